use super::LabError;
use rand::RngExt as _;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

/// Below are the ports of well-known services.
const FIRST: u16 = 10_000;
/// How often a port is chosen by chance before the system chooses one.
const TRIES: usize = 100;

/// The ports that the system gives to the near end of connections.
pub fn local_ports() -> RangeInclusive<u16> {
    // Linux tells the range; this is its default and close to what other systems have.
    let told = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let ends: Vec<u16> = told.split_whitespace().filter_map(|end| end.parse().ok()).collect();
    if let [first, last] = ends[..] { first..=last } else { 32_768..=60_999 }
}

/// As many free loopback ports. They are free when this returns; whoever uses them must be ready to find one taken
/// and come again.
///
/// They are none of the [`local_ports`], as far as there are others: a load makes thousands of connections, and one of
/// them would some day hold the port of a server that is about to start, or that was killed and is to come back.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], LabError> {
    let failed = || LabError::io("find a free port on 127.0.0.1");
    let local = local_ports();
    let mut ports = [0; N];
    // All are held until all are known, or one might be chosen twice.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = listen_outside(&local).map_err(failed())?;
        *port = listener.local_addr().map_err(failed())?.port();
        held.push(listener);
    }
    Ok(ports)
}

fn listen_outside(local: &RangeInclusive<u16>) -> std::io::Result<TcpListener> {
    let mut rng = rand::rng();
    let chosen = std::iter::repeat_with(|| rng.random_range(FIRST..=u16::MAX)).take(TRIES);
    let mut outside = chosen.filter(|port| !local.contains(port));
    let listener = outside.find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    listener.map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok)
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

    #[test]
    fn a_port_is_outside_unless_there_is_none() {
        let local = 32_768..=60_999;
        assert!(!local.contains(&listen_outside(&local).unwrap().local_addr().unwrap().port()));
        assert!(listen_outside(&(1..=u16::MAX)).is_ok());
    }
}
