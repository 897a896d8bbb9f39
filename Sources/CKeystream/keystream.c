// libssh2 1.10 calls the cipher once for every 16 bytes, and such a call costs many times what the AES in it does. In
// counter mode the keystream does not depend on the data: it is made here for many blocks at once, and what is left
// for each call is an exclusive or. The linker's --wrap puts these functions in the place of libcrypto's.
#include "CKeystream.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

// Weak: without --wrap they are not there, and nobody calls what stands below.
#pragma clang diagnostic ignored "-Wreserved-identifier"
int __real_EVP_Cipher(EVP_CIPHER_CTX *context, unsigned char *out, const unsigned char *in, unsigned int count)
    __attribute__((weak));
void __real_EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context) __attribute__((weak));

// Hangs on its cipher context, and is freed with it.
struct keystream {
  unsigned int used;
  unsigned char bytes[2048];
};

static struct keystream *keystream_of(EVP_CIPHER_CTX *context) {
  struct keystream *stream = EVP_CIPHER_CTX_get_app_data(context);
  if (stream || EVP_CIPHER_CTX_get_mode(context) != EVP_CIPH_CTR_MODE) return stream;
  stream = OPENSSL_malloc(sizeof *stream);
  if (!stream) return NULL;
  stream->used = sizeof stream->bytes;
  EVP_CIPHER_CTX_set_app_data(context, stream);
  return stream;
}

// `out` may be `in`.
static void exclusive_or(unsigned char *out, const unsigned char *in, const unsigned char *key, unsigned int count) {
  for (; count >= sizeof(uint64_t); count -= sizeof(uint64_t)) {
    uint64_t data, mask;
    memcpy(&data, in, sizeof data);
    memcpy(&mask, key, sizeof mask);
    data ^= mask;
    memcpy(out, &data, sizeof data);
    out += sizeof data;
    in += sizeof data;
    key += sizeof data;
  }
  for (unsigned int i = 0; i < count; i++) out[i] = in[i] ^ key[i];
}

int __wrap_EVP_Cipher(EVP_CIPHER_CTX *context, unsigned char *out, const unsigned char *in, unsigned int count) {
  struct keystream *stream = keystream_of(context);
  if (!stream) return __real_EVP_Cipher(context, out, in, count);
  while (count > 0) {
    if (stream->used == sizeof stream->bytes) {
      // What encrypts zeros is the keystream itself.
      memset(stream->bytes, 0, sizeof stream->bytes);
      int status = __real_EVP_Cipher(context, stream->bytes, stream->bytes, sizeof stream->bytes);
      if (status <= 0) return status;
      stream->used = 0;
    }
    unsigned int left = sizeof stream->bytes - stream->used;
    unsigned int part = count < left ? count : left;
    exclusive_or(out, in, stream->bytes + stream->used, part);
    stream->used += part;
    out += part;
    in += part;
    count -= part;
  }
  return 1;
}

void __wrap_EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context) {
  if (context) OPENSSL_clear_free(EVP_CIPHER_CTX_get_app_data(context), sizeof(struct keystream));
  __real_EVP_CIPHER_CTX_free(context);
}
