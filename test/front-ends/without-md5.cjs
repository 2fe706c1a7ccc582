// Loaded before a program: a host whose OpenSSL is in FIPS mode computes no MD5, though it lists it.
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');

const { createHash } = crypto;
crypto.createHash = (algorithm, ...rest) => {
  if (/^md5/i.test(algorithm))
    throw Object.assign(new Error('error:0308010C:digital envelope routines::unsupported'), {
      code: 'ERR_OSSL_EVP_UNSUPPORTED',
    });
  return createHash(algorithm, ...rest);
};
syncBuiltinESMExports();
