//! A certificate for 127.0.0.1 from an authority that nobody knows.

use std::sync::Arc;

pub struct Authority {
    /// Its own certificate: what a client must be told to trust.
    pub pem: String,
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Authority {
    pub fn new() -> Authority {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, key);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Authority { pem, certificate, key }
    }

    /// What a server of this program's own serves with.
    pub fn server_config(&self) -> Arc<rustls::ServerConfig> {
        let private = rustls::pki_types::PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], private)
            .unwrap();
        Arc::new(config)
    }

    /// Certificate and key in one PEM file, as HAProxy wants them.
    pub fn bundle(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
    }
}
