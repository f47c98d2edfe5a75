//! The certificate of the pages: somebody's own, read again when its file changes, or one that we sign ourselves.
//!
//! This module must not listen. A private key leaves neither its file nor this process's memory.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use seaworthy_runtime::Stop;
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::{place::Place, trouble::Trouble};

/// How often the files are looked at: a renewed certificate is there long before the old one ends.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long one of our own lasts: what browsers take at most.
const OWN_FOR: Duration = Duration::from_secs(397 * 86_400);
/// With less than this left a new one is made.
const OWN_LEFT: Duration = Duration::from_secs(60 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);
/// Bytes of a file with certificates or a key.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where certificate (with its chain) and key are, both PEM.
#[derive(Clone, Debug)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate in use.
pub struct Certificate {
    files: Files,
    /// Signed by ourselves, for this name: a browser asks its person, who compares the fingerprint.
    own: Option<String>,
    now: Mutex<Loaded>,
}

struct Loaded {
    acceptor: TlsAcceptor,
    fingerprint: String,
}

impl Certificate {
    /// Somebody's own.
    ///
    /// # Errors
    /// When a file cannot be read, others can read the key, or the two do not belong together.
    pub fn of(files: Files) -> Result<Arc<Certificate>, Trouble> {
        let now = Mutex::new(load(&files)?);
        Ok(Arc::new(Certificate { files, own: None, now }))
    }

    /// Ours for `name`, made if there is none for it, or if the one that is there ends soon.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn own(place: &Place, name: &str) -> Result<Arc<Certificate>, Trouble> {
        let folder = place.data.join("tls");
        let files = Files { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        renew(&files, name, SystemTime::now())?;
        let now = Mutex::new(load(&files)?);
        Ok(Arc::new(Certificate { files, own: Some(name.to_owned()), now }))
    }

    /// Whether we signed it ourselves.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// For a connection that begins now.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.now().acceptor.clone()
    }

    /// SHA-256 of the certificate as browsers show it.
    pub fn fingerprint(&self) -> String {
        self.now().fingerprint.clone()
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the files now and then; a certificate that cannot be used is told, and the one before it stays.
    pub async fn follow(self: Arc<Self>, stop: Stop) {
        loop {
            tokio::select! {
                () = stop.asked() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            self.look();
        }
    }

    /// Takes what the files hold now; ours is made anew before it ends.
    pub fn look(&self) {
        let renewed = self.own.as_ref().map_or(Ok(()), |name| renew(&self.files, name, SystemTime::now()));
        match renewed.and_then(|()| load(&self.files)) {
            Ok(loaded) => {
                let mut now = self.now();
                if now.fingerprint != loaded.fingerprint {
                    info!("the certificate is another one now: SHA-256 {}", loaded.fingerprint);
                    *now = loaded;
                }
            }
            Err(trouble) => error!("the certificate stays as it was: {trouble}"),
        }
    }
}

/// Makes ours anew if there is none for this name, it cannot be used, or it ends soon.
fn renew(files: &Files, name: &str, now: SystemTime) -> Result<(), Trouble> {
    // The name and the end are beside it in words: neither has to be read out of the certificate again.
    let about = files.key.with_file_name("about");
    let seconds = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let lasts = fs::read_to_string(&about).is_ok_and(|text| {
        let end = text.split_once(' ').filter(|(whose, _)| *whose == name);
        end.and_then(|(_, end)| end.trim().parse::<u64>().ok()).is_some_and(|end| end > seconds(now + OWN_LEFT))
    });
    if lasts && load(files).is_ok() {
        return Ok(());
    }
    make(files, name, now)?;
    write(&about, format!("{name} {}\n", seconds(now + OWN_FOR)).as_bytes(), 0o600)
}

fn load(files: &Files) -> Result<Loaded, Trouble> {
    let mode = fs::metadata(&files.key).map_err(|e| unreadable(&files.key, &e))?.permissions().mode();
    if mode & 0o007 != 0 {
        let path = files.key.display();
        return Err(Trouble::start(format!("everybody on this host can read the key in {path}; `chmod o= {path}`")));
    }
    let wrong = |path: &Path, what: &str| Trouble::start(format!("{} holds no {what} as PEM", path.display()));
    let text = read(&files.certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(&files.certificate, "certificate"))?;
    let first = chain.first().ok_or_else(|| wrong(&files.certificate, "certificate"))?;
    let fingerprint = Sha256::digest(first).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(|_| wrong(&files.key, "private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            Trouble::start(format!("the certificate in {certificate} and the key in {key} cannot be used ({e})"))
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint })
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let size = fs::metadata(path).map_err(|e| unreadable(path, &e))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Trouble::start(format!("{} has {size} bytes; that is no certificate and no key", path.display())));
    }
    fs::read(path).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, trouble: &std::io::Error) -> Trouble {
    Trouble::start(format!("{} cannot be read ({trouble}); it is needed for TLS", path.display()))
}

fn make(files: &Files, name: &str, now: SystemTime) -> Result<(), Trouble> {
    let failed = |e: rcgen::Error| Trouble::start(format!("no certificate can be made for {name} ({e})"));
    let folder = files.key.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|e| Trouble::start(format!("{} cannot be made ({e})", folder.display())))?;
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).map_err(failed)?;
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    // A browser whose clock is behind takes it as well.
    params.not_before = (now - DAY).into();
    params.not_after = (now + OWN_FOR).into();
    let key = rcgen::KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    write(&files.key, key.serialize_pem().as_bytes(), 0o600)?;
    write(&files.certificate, certificate.pem().as_bytes(), 0o644)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Trouble> {
    let part = path.with_extension("part");
    let failed = |e: std::io::Error| Trouble::start(format!("{} cannot be written ({e})", path.display()));
    let _ = fs::remove_file(&part);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&part).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&part, path)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_made_anew_before_it_ends_and_for_another_name_and_stays_otherwise() {
        let folder = std::env::temp_dir().join(format!("seaworthy-certificate-{}", std::process::id()));
        let files = Files { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        let now = SystemTime::now();
        let at = |name: &str, when: SystemTime| {
            renew(&files, name, when).expect("the folder is writable");
            load(&files).expect("it can be used").fingerprint
        };
        let first = at("ops.example.com", now);
        assert_eq!(at("ops.example.com", now + OWN_FOR - OWN_LEFT - DAY), first);
        let second = at("ops.example.com", now + OWN_FOR - OWN_LEFT + DAY);
        assert_ne!(second, first, "it would end soon");
        let other = at("other.example.com", now);
        assert_ne!(other, second, "another name");
        fs::write(&files.certificate, "half a fi").expect("the folder is writable");
        assert_ne!(at("other.example.com", now), other, "it could not be used");
        let _ = fs::remove_dir_all(&folder);
    }
}
