#pragma once
#include <libssh2.h>
#include <openssl/evp.h>
