//! TLS: servers known by an authority that the host trusts, or by one of your own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream as PostgresStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a plan says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    /// A PEM file of an authority of one's own.
    ca: Option<String>,
}

/// Shakes hands; nothing has been asked yet.
pub(super) async fn connect(
    tls: &Tls,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    let (connector, name) = prepare(tls, host)?;
    let shaken = connector.connect(name, stream).await;
    shaken.map_err(|error| format!("no TLS with {host}: {error}"))
}

fn prepare(tls: &Tls, host: &str) -> Result<(TlsConnector, ServerName<'static>), String> {
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| format!("`{host}` cannot be the name in a certificate"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let config = config.with_root_certificates(roots(tls)?).with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn roots(tls: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(path) => {
            let cannot = |error: String| format!("the certificates of {path} cannot be used: {error}");
            let found = CertificateDer::pem_file_iter(path).map_err(|error| cannot(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| cannot(error.to_string()))?;
                roots.add(certificate).map_err(|error| cannot(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(cannot("there are none in it".into()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("this host trusts no authority at all; name one with `tls: {ca: FILE}`".into());
            }
        }
    }
    Ok(roots)
}

/// The same for a connection to PostgreSQL, which shakes hands after its own greeting.
pub(super) struct ForPostgres {
    pub(super) tls: Tls,
    pub(super) host: String,
}

/// An encrypted connection to PostgreSQL.
pub(super) struct Encrypted(TlsStream<TcpStream>);

impl TlsConnect<TcpStream> for ForPostgres {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move {
            connect(&self.tls, &self.host, stream).await.map(Encrypted).map_err(io::Error::other)
        })
    }
}

impl PostgresStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
