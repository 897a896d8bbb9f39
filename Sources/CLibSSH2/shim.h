#pragma once
#include <libssh2.h>
#include <malloc.h>
#include <openssl/evp.h>
