//! Seals of a test key, made with OpenSSL: other schemes than ClamAV's own, and chains that are none.

use super::super::certificate::base64;
use super::*;

const MESSAGE: &[u8] = include_bytes!("seals/message");
const ROOT: &[u8] = include_bytes!("seals/root.pem");
/// SHA-384, PSS, the signer by issuer and serial number; its certificate signed with PSS.
const PSS: &[u8] = include_bytes!("seals/pss.sign");
/// SHA-512, the signer by the identifier of its key.
const KEY_ID: &[u8] = include_bytes!("seals/keyid.sign");
/// SHA-256, without signed attributes.
const BARE: &[u8] = include_bytes!("seals/bare.sign");
/// The signer's certificate was issued by one that is not an authority.
const NOT_AN_ISSUER: &[u8] = include_bytes!("seals/not_an_issuer.sign");

fn trust() -> Trust {
    let mut trust = Trust::builtin(NOW);
    trust.add_certificates(ROOT).expect("a certificate");
    trust
}

fn fault(text: &[u8], file: &[u8]) -> &'static str {
    match seal::check(text, file, &trust()) {
        Err(ContainerFault::Seal(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_schemes_are_good_too() {
    for text in [PSS, KEY_ID, BARE] {
        assert_eq!(seal::check(text, MESSAGE, &trust()), Ok(()));
    }
    let mut der = Trust::builtin(NOW);
    der.add_certificates(include_bytes!("seals/root.der")).expect("a certificate");
    assert_eq!(seal::check(PSS, MESSAGE, &der), Ok(()));
    assert_eq!(fault(PSS, b"another file"), "it belongs to another file");
    assert_eq!(fault(BARE, b"another file"), "the signer's key did not make it");
}

#[test]
fn who_may_not_issue_issues_nothing() {
    assert_eq!(fault(NOT_AN_ISSUER, MESSAGE), "a certificate was issued by one that may not issue");
}

#[test]
fn the_form_of_the_text() {
    let text = String::from_utf8(PSS.to_vec()).expect("ASCII");
    let line = text.lines().nth(1).expect("a line").to_owned();
    let payload = line.rsplit_once(':').expect("fields").1.to_owned();
    let with = |line: &str| fault(format!("#clamsign-1.0\n{line}\n").as_bytes(), MESSAGE);
    assert_eq!(with(&format!("300::pkcs7-pem:{payload}")), "it has no signature for this level");
    assert_eq!(with(&format!(":231:pkcs7-pem:{payload}")), "it has no signature for this level");
    assert_eq!(with(&format!("230::other:{payload}")), "it has no signature for this level");
    assert_eq!(with(&format!("23O::pkcs7-pem:{payload}")), "a level is not a number");
    assert_eq!(with(&format!("230:pkcs7-pem:{payload}")), "a line does not have four fields");
    assert_eq!(with(&format!("230::pkcs7-pem:{payload}A")), "the signature is not Base64");
    assert_eq!(with("230::pkcs7-pem:MAA="), "it is not CMS in DER");
    let twice = format!("{line}\n300::pkcs7-pem:later");
    let both = format!("#clamsign-1.0\n{twice}\n");
    assert_eq!(seal::check(both.as_bytes(), MESSAGE, &trust()), Ok(()), "others' lines are theirs");
    let bad = format!("{line}\n230::pkcs7-pem:MAA=");
    assert_eq!(with(&bad), "it is not CMS in DER");
    assert_eq!(fault(b"#clamsign-2.0\n", MESSAGE), "it does not begin with #clamsign-1.0");
    assert_eq!(fault(text.trim_end().as_bytes(), MESSAGE), "its last line has no end");
}

#[test]
fn base64_is_taken_literally() {
    assert_eq!(base64(b"Zm9vYg==").as_deref(), Some(&b"foob"[..]));
    assert_eq!(base64(b"Zm9vYmE=").as_deref(), Some(&b"fooba"[..]));
    assert_eq!(base64(b"Zm9vYmFy").as_deref(), Some(&b"foobar"[..]));
    for wrong in ["", "Zm9v\n", "Zm9", "Zm9vYh==", "Zm9vY===", "Zm=v", "Zm9=Zm9v", "====", "Zm9?"] {
        assert_eq!(base64(wrong.as_bytes()), None, "{wrong:?}");
    }
}
