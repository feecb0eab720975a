/// One reading of HAProxy's `show stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::lab) struct Stat {
    /// Requests waiting for a server, in the backend's queue and in those of its servers.
    pub(in crate::lab) queued: u32,
    pub(in crate::lab) servers: Vec<ServerStat>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct ServerStat {
    pub(in crate::lab) name: String,
    pub(in crate::lab) health: Health,
    /// Requests given to it so far.
    pub(in crate::lab) requests: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Health {
    Up,
    Down,
    /// Gets no new requests because it was told so: nothing is known of its health.
    OutOfService,
}

impl Health {
    /// `UP`, `UP 1/2` (on its way down), `DOWN`, `DOWN 1/2` (on its way up), `NOLB` (asks for no more), `DRAIN`,
    /// `MAINT …`.
    fn parse(status: &str) -> Health {
        match status.split([' ', '/']).next() {
            Some("UP" | "no") => Health::Up,
            Some("DOWN" | "NOLB") => Health::Down,
            _ => Health::OutOfService,
        }
    }
}

/// Reads the CSV of `show stat`; None when it is none. Columns are found by name, for their number grows by version.
pub(super) fn parse(text: &str) -> Option<Stat> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.strip_prefix("# ")?.as_bytes());
    let headers = reader.headers().ok()?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let (name, queued, requests, status) = (column("svname")?, column("qcur")?, column("stot")?, column("status")?);
    let mut stat = Stat::default();
    for row in reader.records() {
        let row = row.ok()?;
        // The backend's own queue, and each server's: empty where there is none.
        stat.queued += row.get(queued)?.parse::<u32>().unwrap_or(0);
        if row.get(name)? == "BACKEND" {
            continue;
        }
        stat.servers.push(ServerStat {
            name: row.get(name)?.to_owned(),
            health: Health::parse(row.get(status)?),
            requests: row.get(requests)?.parse().ok()?,
        });
    }
    Some(stat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_servers_and_queues() {
        let text = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,status,-,\n\
                    app,i-1,2,0,0,3,,2473,UP,-,\n\
                    app,i-2,0,0,0,3,,7,DOWN 1/2,-,\n\
                    app,BACKEND,3,0,0,3,,2480,UP,-,\n";
        let server = |name: &str, health, requests| ServerStat { name: name.into(), health, requests };
        assert_eq!(
            parse(text),
            Some(Stat { queued: 5, servers: vec![server("i-1", Health::Up, 2473), server("i-2", Health::Down, 7)] })
        );
    }

    #[test]
    fn refuses_what_is_no_statistic() {
        for text in ["", "Unknown command", "# a,b\n1,2\n"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn health_by_status() {
        for (status, health) in [
            ("UP", Health::Up),
            ("UP 1/2", Health::Up),
            ("no check", Health::Up),
            ("DOWN", Health::Down),
            ("DOWN 1/2", Health::Down),
            ("NOLB", Health::Down),
            ("DRAIN", Health::OutOfService),
            ("MAINT", Health::OutOfService),
            ("MAINT (via app/x)", Health::OutOfService),
        ] {
            assert_eq!(Health::parse(status), health, "{status}");
        }
    }
}
