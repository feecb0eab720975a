//! AWS on this machine: ministack, from PyPI (tests/formats/requirements.txt), as a server of its own.
//!
//! What is known to be wrong with it, and so is not tested with it: it delivers no access logs, and checks no signature and
//! no permission. It speaks the CBOR of the SDK's CloudWatch client only with `cbor2`. No timing is taken from it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

const REGION: &str = "eu-central-1";

pub struct Emulator {
    child: Child,
    address: SocketAddr,
}

impl Emulator {
    pub fn start() -> Emulator {
        let python = std::env::var("RUSHHOUR_TEST_PYTHON").expect("scripts/test sets RUSHHOUR_TEST_PYTHON");
        let address = super::free_address();
        let mut command = Command::new(python);
        command.args(["-m", "ministack"]).env("GATEWAY_PORT", address.port().to_string()).env("BIND_HOST", "127.0.0.1");
        command.env("MINISTACK_REGION", REGION);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let emulator = Emulator { child, address };
        super::until("the emulator listens", || TcpStream::connect(address).is_ok());
        emulator
    }

    /// Shell commands that lead a program here, with credentials that are none.
    pub fn environment(&self) -> String {
        format!(
            "export AWS_ENDPOINT_URL=http://{} AWS_REGION={REGION} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
             AWS_EC2_METADATA_DISABLED=true",
            self.address
        )
    }

    /// Makes a bucket (`/bucket`) or a file in it (`/bucket/key`).
    pub fn put(&self, path: &str, bytes: &[u8]) {
        put(self.address, path, bytes);
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

pub fn put(address: SocketAddr, path: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(bytes)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
