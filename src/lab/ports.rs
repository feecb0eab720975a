use super::LabError;
use std::net::{Ipv4Addr, TcpListener};

/// As many free loopback ports. They are free when this returns; whoever uses them must be ready to find one taken
/// and come again.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], LabError> {
    let failed = || LabError::io("find a free port on 127.0.0.1");
    let mut ports = [0; N];
    // All are held until all are known, or the system might give one twice.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        *port = listener.local_addr().map_err(failed())?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_can_be_bound() {
        let ports = free_ports::<6>().unwrap();
        let distinct: std::collections::BTreeSet<u16> = ports.into_iter().collect();
        assert_eq!(distinct.len(), 6);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, ports[5])).is_ok());
    }
}
