use crate::history::Machine;
use std::fs;

impl Machine {
    /// This machine. What it does not tell is `unknown`, or 0 bytes.
    pub fn this() -> Machine {
        Machine {
            hostname: line_of("/proc/sys/kernel/hostname")
                .or_else(|| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok())
                .unwrap_or_else(|| "unknown".to_owned()),
            os: os(),
            cpus: std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32),
            memory_bytes: fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory_bytes(&text)).unwrap_or(0),
        }
    }
}

fn line_of(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.lines().next()?.trim().to_owned()).filter(|line| !line.is_empty())
}

/// Such as `linux x86_64 6.8.0-45-generic`.
fn os() -> String {
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    match line_of("/proc/sys/kernel/osrelease") {
        Some(release) => format!("{system} {release}"),
        None => system,
    }
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = kibibytes.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_meminfo() {
        let text = "MemFree: 1 kB\nMemTotal:       16304628 kB\n";
        assert_eq!(memory_bytes(text), Some(16_304_628 * 1024));
        assert_eq!(memory_bytes("MemTotal: much"), None);
    }

    #[test]
    fn this_machine_has_processors_and_a_system() {
        let machine = Machine::this();
        assert!(machine.cpus >= 1);
        assert!(machine.os.starts_with(std::env::consts::OS));
        assert!(!machine.hostname.is_empty());
    }
}
