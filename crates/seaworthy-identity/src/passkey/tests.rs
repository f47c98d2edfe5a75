//! Passkeys made and used by a device of the test: a P-256 and an Ed25519 key of ring's.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use seaworthy_model::time::At;

use super::*;

/// A device with one key, that says of itself what a test wants.
struct Device {
    pair: EcdsaKeyPair,
    flags: u8,
    counter: u32,
    site: &'static str,
    origin: &'static str,
}

fn party() -> Party {
    Party { name: "localhost".into(), origin: "http://localhost:7770".into(), now: At(5) }
}

impl Device {
    fn new() -> Device {
        let random = SystemRandom::new();
        let secret = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, secret.as_ref(), &random).unwrap();
        Device { pair, flags: PRESENT | VERIFIED, counter: 7, site: "localhost", origin: "http://localhost:7770" }
    }

    fn client(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let json =
            serde_json::json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        json.to_string().into_bytes()
    }

    fn head(&self, more: u8) -> Vec<u8> {
        let flags = [self.flags | more];
        [&Sha256::digest(self.site)[..], &flags, &self.counter.to_be_bytes()].concat()
    }

    fn make(&self) -> Attested {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..]);
        let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat();
        let data = [&self.head(WITH_KEY)[..], &[0; 16], &[0, 3], b"key", &cose].concat();
        // `YWJj` is `abc`.
        Attested { client: hex(&self.client("webauthn.create", "YWJj")), authenticator: hex(&data) }
    }

    fn sign(&self, kind: &str) -> Asserted {
        let (client, data) = (self.client(kind, "YWJj"), self.head(0));
        let message = [&data[..], &Sha256::digest(&client)[..]].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        Asserted {
            id: hex(b"key"),
            client: hex(&client),
            authenticator: hex(&data),
            signature: hex(signature.as_ref()),
        }
    }
}

#[test]
fn a_key_that_was_made_here_is_known_by_its_signature() {
    let mut device = Device::new();
    let (challenge, key) = made(&device.make(), &party()).unwrap();
    assert_eq!((challenge.as_str(), key.id.as_str(), key.counter), ("abc", "6b6579", 7));
    device.counter = 8;
    assert_eq!(used(&key, &device.sign("webauthn.get"), &party()), Ok(("abc".to_owned(), 8)));
}

#[test]
fn what_is_not_of_this_site_this_person_or_this_moment_is_refused() {
    let honest = Device::new();
    let (_, key) = made(&honest.make(), &party()).unwrap();
    let mut device = Device { counter: 9, ..honest };
    assert!(used(&key, &device.sign("webauthn.get"), &party()).is_ok(), "else what follows says nothing");
    let mut refused = |change: fn(&mut Device), word: &str| {
        let kept = (device.flags, device.counter, device.site, device.origin);
        change(&mut device);
        let said = used(&key, &device.sign("webauthn.get"), &party()).unwrap_err();
        assert!(said.contains(word), "{said}");
        assert!(made(&device.make(), &party()).is_err() || word == "counter", "{word}");
        (device.flags, device.counter, device.site, device.origin) = kept;
    };
    refused(|device| device.site = "evil.example", "another site");
    refused(|device| device.origin = "http://evil.example", "another site");
    refused(|device| device.origin = "https://localhost:7770", "another site");
    refused(|device| device.flags = PRESENT, "make sure");
    refused(|device| device.flags = VERIFIED, "make sure");
    refused(|device| device.counter = 7, "counter");
    let other = Device { counter: 9, ..Device::new() };
    assert!(used(&key, &other.sign("webauthn.get"), &party()).unwrap_err().contains("signature"), "another key");
    assert!(used(&key, &other.sign("webauthn.create"), &party()).unwrap_err().contains("kind"));
}

#[test]
fn one_bit_off_is_refused() {
    let mut device = Device::new();
    let (_, key) = made(&device.make(), &party()).unwrap();
    device.counter = 8;
    let good = device.sign("webauthn.get");
    for at in 0..good.authenticator.len() {
        let mut data = good.authenticator.clone().into_bytes();
        data[at] = if data[at] == b'0' { b'1' } else { b'0' };
        let shown = Asserted { authenticator: String::from_utf8(data).unwrap(), ..good.clone() };
        assert!(used(&key, &shown, &party()).is_err(), "digit {at}");
    }
    for broken in ["", "0", "zz", "é0", &"00".repeat(BYTES_MAX + 1), "7b7d"] {
        assert!(used(&key, &Asserted { client: broken.to_owned(), ..good.clone() }, &party()).is_err(), "{broken:.9}");
        assert!(used(&key, &Asserted { signature: broken.to_owned(), ..good.clone() }, &party()).is_err());
        assert!(made(&Attested { authenticator: broken.to_owned(), ..device.make() }, &party()).is_err());
    }
    let cut = device.make().authenticator;
    for at in (0..cut.len() - 2).step_by(2) {
        let shown = Attested { authenticator: cut[..at].to_owned(), ..device.make() };
        assert!(made(&shown, &party()).is_err(), "cut at {at}");
    }
}

#[test]
fn the_other_kinds_of_keys_are_read_and_strange_ones_are_not() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let cose = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], pair.public_key().as_ref()].concat();
    let key = cose::Key::read(&cose).unwrap();
    assert!(key.signed(b"text", pair.sign(b"text").as_ref()) && !key.signed(b"texf", pair.sign(b"text").as_ref()));
    for strange in
        [&[][..], &[0xa0], &[0xbf], &[0xa1, 1], &[0xff; 9], &[0xa3, 1, 2, 3, 0x26, 0x20, 1], &[0xb9, 255, 255]]
    {
        assert!(cose::Key::read(strange).is_none(), "{strange:?}");
    }
}

#[test]
fn a_signature_equals_the_vector_of_the_specification() {
    // WebAuthn Level 3, "ES256 Credential with No Attestation"; its device does not make sure of the person.
    let key = "a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61\
               225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
    let authenticator = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000";
    let client = r#"{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag","origin":"https://example.org","crossOrigin":false}"#;
    let signature = "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd38\
                     0221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87";
    let known = cose::Key::read(&bytes_of(key).unwrap()).unwrap();
    let mut message = [&bytes_of(authenticator).unwrap()[..], &Sha256::digest(client)[..]].concat();
    let signature = bytes_of(signature).unwrap();
    assert!(known.signed(&message, &signature));
    message[0] ^= 1;
    assert!(!known.signed(&message, &signature));
    let challenge = "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408";
    assert_eq!(base64url("OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag"), bytes_of(challenge));
    let party = Party { name: "example.org".into(), origin: "https://example.org".into(), now: At(5) };
    let kept = Passkey { key: key.to_owned(), ..made(&Device::new().make(), &self::party()).unwrap().1 };
    let shown = Asserted {
        id: String::new(),
        client: hex(client.as_bytes()),
        authenticator: authenticator.to_owned(),
        signature: hex(&signature),
    };
    assert!(used(&kept, &shown, &party).is_err(), "not for us: nobody made sure of the person");
}
