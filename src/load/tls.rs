use super::target::TargetError;
use crate::plan::HttpVersion;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// TLS as every connection of a run uses it: certificates are verified by the platform, or by `ca_file` too.
pub fn client_config(ca_file: Option<&Path>, http: HttpVersion) -> Result<Arc<ClientConfig>, TargetError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let failed = |reason: String| TargetError::TlsSetup { reason };
    let extra = match ca_file {
        None => Vec::new(),
        Some(path) => {
            let unusable = |reason: String| TargetError::CaFile { path: path.to_owned(), reason };
            let list: Result<Vec<CertificateDer<'static>>, _> =
                CertificateDer::pem_file_iter(path).map_err(|e| unusable(e.to_string()))?.collect();
            let list = list.map_err(|e| unusable(e.to_string()))?;
            if list.is_empty() {
                return Err(unusable("it holds no PEM certificate".to_owned()));
            }
            list
        }
    };
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider.clone())
        .map_err(|e| failed(e.to_string()))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = match http {
        HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
    };
    Ok(Arc::new(config))
}
