// Nothing to call: a program that is linked as the Makefile says has libssh2 call this module in libcrypto's place.
#pragma once
