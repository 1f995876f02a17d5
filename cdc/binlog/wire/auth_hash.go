package wire

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"

	"filippo.io/edwards25519"
)

// sum is the hash of all parts, one behind the other.
func sum(h hash.Hash, parts ...[]byte) []byte {
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// nativeAnswer is SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password))). No password has an empty answer.
func nativeAnswer(password string, challenge []byte) []byte {
	if password == "" {
		return nil
	}
	once := sum(sha1.New(), []byte(password))
	twice := sum(sha1.New(), once)
	answer := sum(sha1.New(), challenge, twice)
	subtle.XORBytes(answer, answer, once)
	return answer
}

// cachingAnswer is SHA256(password) XOR SHA256(SHA256(SHA256(password)) + challenge). No password has an empty
// answer.
func cachingAnswer(password string, challenge []byte) []byte {
	if password == "" {
		return nil
	}
	once := sum(sha256.New(), []byte(password))
	twice := sum(sha256.New(), once)
	answer := sum(sha256.New(), twice, challenge)
	subtle.XORBytes(answer, answer, once)
	return answer
}

const ed25519Challenge = 32

// ed25519Answer signs the challenge as RFC 8032, 5.1.6 has it, but with the password, of any length, where the 32
// bytes of a private key are. An empty password signs too.
func ed25519Answer(password string, challenge []byte) ([]byte, error) {
	if len(challenge) < ed25519Challenge {
		return nil, malformed("a challenge of %d bytes for %s", len(challenge), ed25519Password)
	}
	message := challenge[:ed25519Challenge]
	key := sha512.Sum512([]byte(password))
	private, err := edwards25519.NewScalar().SetBytesWithClamping(key[:32])
	if err != nil {
		return nil, err
	}
	nonce, err := edwards25519.NewScalar().SetUniformBytes(sum(sha512.New(), key[32:], message))
	if err != nil {
		return nil, err
	}
	public := new(edwards25519.Point).ScalarBaseMult(private).Bytes()
	commitment := new(edwards25519.Point).ScalarBaseMult(nonce).Bytes()
	digest, err := edwards25519.NewScalar().SetUniformBytes(sum(sha512.New(), commitment, public, message))
	if err != nil {
		return nil, err
	}
	proof := edwards25519.NewScalar().MultiplyAdd(digest, private, nonce)
	return append(commitment, proof.Bytes()...), nil
}
