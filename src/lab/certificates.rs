use super::LabError;
use super::private_file::write_private;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// The lab's own authority and the one certificate everything in it serves with. Made anew for each lab.
#[derive(Clone, Debug)]
pub(super) struct Certificates {
    /// The authority's certificate: what a client must trust.
    pub(super) ca: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// Certificate and key in one file, as HAProxy wants them.
    pub(super) bundle: PathBuf,
    pub(super) ca_pem: Vec<u8>,
}

impl Certificates {
    pub(super) fn make(directory: &Path) -> Result<Certificates, LabError> {
        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.distinguished_name.push(DnType::CommonName, "rushhour lab authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let ca_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        // An address in this list becomes an IP entry of the certificate, as verification of a literal address asks.
        let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        server.distinguished_name.push(DnType::CommonName, "rushhour lab");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let (certificate, key) = (server.signed_by(&key, &issuer)?.pem(), key.serialize_pem());

        let file = |name: &str, text: &str| write_private(&directory.join(name), text);
        Ok(Certificates {
            ca: file("ca.pem", &ca_pem)?,
            certificate: file("server.pem", &certificate)?,
            key: file("server.key", &key)?,
            bundle: file("haproxy.pem", &format!("{certificate}{key}"))?,
            ca_pem: ca_pem.into_bytes(),
        })
    }
}
