//! Who served, from access logs in S3, by an application whose responses do not say.

use crate::support::{Emulator, Ended, Reply, Server, start};
use flate2::Compression;
use flate2::write::GzEncoder;
use rushhour::history::{Names, Observation};
use rushhour::record::RecordedRun;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use time::UtcDateTime;

fn profile(url: &str, s3: &str) -> String {
    format!(
        r#"
[target]
url = "{url}"
access_log = {{ s3 = "{s3}", wait = "2s" }}

[users]
generate = 250

[workload]
arrivals = "even"
stages = ["60/s for 2s"]
max_sessions = 200
grace = "2s"

[fleet]
provider = "observe"

[[scenarios]]
name = "visit"

[[scenarios.steps]]
name = "page"
get = "/"
"#
    )
}

/// A balancer that writes a log file for each request, before it answers. Each tenth it answers itself; of one it never
/// tells.
fn balancer(emulator: &Emulator) -> Server {
    let (s3, count) = (emulator.address(), AtomicU32::new(0));
    Server::start(move |request| {
        let Some(trace) = request.header("x-amzn-trace-id").map(str::to_owned) else {
            // Whether the target can be reached is asked before the load.
            return Reply::with("200 OK", "", "up");
        };
        let number = count.fetch_add(1, Ordering::SeqCst);
        let (target, statuses) = match number {
            n if n % 10 == 0 => ("-".to_owned(), "503 -"),
            n => (format!("10.0.0.{}:8080", n % 2 + 1), "200 200"),
        };
        if number != 7 {
            crate::support::put(s3, &key(number), &gzip(&line(&target, statuses, &trace)));
        }
        match statuses {
            "503 -" => Reply::with("503 Service Unavailable", "", ""),
            _ => Reply::with("200 OK", "", "page"),
        }
    })
}

fn key(number: u32) -> String {
    let end = UtcDateTime::now() + time::Duration::minutes(5);
    let (year, month, day) = (end.year(), u8::from(end.month()), end.day());
    format!(
        "/logs/alb/AWSLogs/123456789012/elasticloadbalancing/eu-central-1/{year:04}/{month:02}/{day:02}/\
         123456789012_elasticloadbalancing_eu-central-1_app.shop.50dc6c495c0c9188_{year:04}{month:02}{day:02}T{:02}{:02}Z_\
         10.0.0.9_{number}.log.gz",
        end.hour(),
        end.minute()
    )
}

fn line(target: &str, statuses: &str, trace: &str) -> String {
    format!(
        "http 2026-01-01T00:00:00.000000Z app/shop/50dc6c495c0c9188 10.0.1.5:2817 {target} 0.000 0.001 0.000 {statuses} 34 366 \
         \"GET http://shop:80/ HTTP/1.1\" \"rushhour\" - - arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/b \
         \"{trace}\" \"-\" \"-\" 0 2026-01-01T00:00:00.000000Z \"forward\" \"-\" \"-\" \"{target}\" \"-\" \"-\" \"-\" TID_1\n"
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn access_logs_tell_who_served() {
    let emulator = Emulator::start();
    emulator.put("/logs", b"");
    let balancer = balancer(&emulator);
    let ended = start(&profile(&balancer.url(), "s3://logs/alb"), &[], Some(&emulator.environment())).end();
    let run = RecordedRun::open(&ended.run_directory()).unwrap();
    let (names, mut served) = (Names::default(), BTreeMap::<Option<String>, u64>::new());
    let mut count = |rows: &[Observation]| {
        for row in rows {
            *served.entry(row.instance.map(|id| names.name(id).to_string())).or_default() += 1;
        }
    };
    run.for_each(&names, [&mut count]);
    // 12 were answered by the balancer, and of one nothing is known.
    let expected = [(None, 13), (Some("10.0.0.1:8080".to_owned()), 48), (Some("10.0.0.2:8080".to_owned()), 59)];
    assert_eq!(served, expected.into(), "{}", ended.stderr);

    let tally = run.served_by.unwrap();
    assert_eq!((tally.answers, tally.matched, tally.log_files), (120, 119, 119));
    assert_eq!((tally.balancer_errors, tally.application_errors), (12, 0));
    assert!(tally.trouble.as_ref().is_some_and(|why| why.contains("not all access logs")), "{:?}", tally.trouble);
    // Judged again, with no AWS in sight, it says the same.
    assert!(ended.report().status.code() == ended.code && ended.summary()["instances"].as_array().unwrap().len() == 2);
}

#[test]
fn access_logs_that_are_not_enabled_are_told_with_the_remedy() {
    let emulator = Emulator::start();
    emulator.put("/logs", b"");
    let server = Server::start(|_| Reply::with("200 OK", "", "page"));
    let ended = start(&profile(&server.url(), "s3://logs/alb"), &[], Some(&emulator.environment())).end();
    ended.demand_code(6);
    let why = trouble(&ended);
    assert!(why.contains("are access logs enabled?") && why.contains("access_logs.s3.enabled"), "{why}");

    let ended = start(&profile(&server.url(), "s3://no-such-bucket/alb"), &[], Some(&emulator.environment())).end();
    ended.demand_code(6);
    let why = trouble(&ended);
    assert!(why.contains("ListObjectsV2 of `s3://no-such-bucket/") && why.contains("access_logs.s3.bucket"), "{why}");
}

/// What stood in the way of the logs, which the page says, too.
fn trouble(ended: &Ended) -> String {
    let page = std::fs::read_to_string(ended.run_directory().join("report.html")).unwrap();
    assert!(page.contains("The balancer&#39;s access logs") || page.contains("The balancer's access logs"), "{page}");
    RecordedRun::open(&ended.run_directory()).unwrap().served_by.unwrap().trouble.unwrap()
}
