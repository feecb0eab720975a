//! The store that a profile names, of a fleet that is not the lab.

use crate::audit::audit;
use crate::exit_codes::{profile, shop};
use crate::support::{Ended, Redis, free_address, run, start, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rushhour::plan::{Secret, StoreLogin};
use rushhour::store::Client;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A profile for the shop that keeps its sessions, so it says, in this store.
fn with_store(url: &str, store: &str) -> String {
    profile(url, &format!("\n[store]\ntransport = \"plain\"\n{store}"))
}

/// A secret that a profile can name, beside it.
fn secret(redis: &Redis, name: &str, value: &str) -> String {
    let path = redis.folder.path().join(name);
    std::fs::write(&path, value).unwrap();
    format!("{{ file = \"{}\" }}", path.display())
}

#[test]
fn a_store_that_cannot_be_watched_is_told_before_the_load_starts() {
    let shop = shop(false, false);
    let redis = Redis::start("user default off\nuser probe on >right ~* -@all +@read +ping +info +dbsize +role\n", &[]);
    let open = Redis::start("", &[]);
    let sentinel =
        Redis::start(&format!("sentinel monitor sessions 127.0.0.1 {} 1\n", open.address.port()), &["--sentinel"]);
    let (address, nobody) = (redis.address, free_address());
    let (user, right, wrong) =
        (secret(&redis, "user", "probe"), secret(&redis, "right", "right\n"), secret(&redis, "wrong", "wrong"));
    for (store, words) in [
        (format!("address = \"{nobody}\""), vec!["cannot be reached", "check the address under [store]"]),
        (format!("address = \"{address}\""), vec!["asks for a password", "under [store]"]),
        (
            format!("address = \"{address}\"\nuser = {user}\npassword = {wrong}"),
            vec!["does not let the probe in as `probe`", "check `user` and `password`"],
        ),
        (
            format!("address = \"{address}\"\nuser = {user}\npassword = {right}\ncanary_prefix = \"mine:\""),
            vec!["write under `mine:`", "ACL SETUSER probe on >PASSWORD resetkeys ~mine:*"],
        ),
        (
            format!("sentinels = {{ addresses = [\"{}\"], name = \"carts\" }}", sentinel.address),
            vec!["knows no primary by the name `carts`", "sentinel monitor"],
        ),
        (
            format!("address = \"{}\"\nwait_for_replicas = 1", open.address),
            vec!["0 of the 1 replicas", "wait_for_replicas"],
        ),
    ] {
        let ended = run(&with_store(&shop.url(), &store));
        ended.demand_code(2).demand_error(&words);
        assert!(!ended.folder.path().join("results/test").exists(), "a run was begun\n{}", ended.stderr);
        assert!(!ended.stderr.contains("right") && !ended.stderr.contains("wrong"), "{}", ended.stderr);
    }
}

/// Lines of standard output of `rushhour check` that begin so.
fn checked(profile: &str, beginning: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    std::fs::write(&path, profile).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rushhour")).arg("check").arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

/// Sends a command to a server as one of its users.
fn ask(client: &Client, address: &str, command: &str) -> redis::RedisResult<redis::Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    runtime.block_on(async {
        let mut connection = client.connect(address).await?;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    })
}

#[test]
fn the_rights_that_check_names_are_enough_and_losing_them_is_told_and_ends_nothing() {
    let shop = shop(false, false);
    let redis = Redis::start("", &[]);
    let (user, password) = (secret(&redis, "user", "watch"), secret(&redis, "password", "s3cret"));
    let address = redis.address.to_string();
    let store =
        format!("address = \"{address}\"\nuser = {user}\npassword = {password}\nsession_prefixes = [\"session:\"]\n");
    let profile = with_store(&shop.url(), &store).replace("15/s for 3s", "15/s for 6s");
    let rules = checked(&profile, "ACL SETUSER");
    let [rule] = rules.as_slice() else { panic!("{rules:?}") };
    let mut admin = redis::Client::open(format!("redis://{address}")).unwrap().get_connection().unwrap();
    let mut send = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        redis::cmd(words[0]).arg(&words[1..]).query::<redis::Value>(&mut admin).unwrap();
    };
    send(&rule.replace("PASSWORD", "s3cret"));
    send("SET session:1 x EX 60");
    let running = start(&profile, &[], None);
    running.wait_for_samples(3);
    send("ACL SETUSER watch -rpush");
    let ended = running.end();
    // On a busy machine the load may have been late.
    assert!(matches!(ended.code, Some(0 | 6)), "{}\n{}", ended.stdout, ended.stderr);
    let directory = ended.run_directory();
    let samples = std::fs::read_to_string(directory.join("samples.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(samples.lines().last().unwrap()).unwrap();
    assert!(last["store"]["canary"]["acknowledged"].as_u64().unwrap() > 20, "{last}");
    assert_eq!(last["store"]["session_keys"]["sampled"], 1, "{last}");
    let events = std::fs::read_to_string(directory.join("events.jsonl")).unwrap();
    assert!(events.contains("store-writes-stopped"), "{events}");
    assert_eq!(events.matches("does not let the probe write under `rhprobe:`").count(), 1, "{events}");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap_or_default();
        assert!(!content.windows(6).any(|bytes| bytes == b"s3cret"), "a secret in {}", path.display());
    }
}

#[test]
fn a_store_that_is_wide_open_is_named_and_left_as_it_is() {
    let shop = shop(false, false);
    let redis = Redis::start("user app on >s3cret ~* +@all\n", &[]);
    let (user, password) = (secret(&redis, "user", "app"), secret(&redis, "password", "s3cret"));
    let address = redis.address.to_string();
    let mut admin = redis::Client::open(format!("redis://{address}")).unwrap().get_connection().unwrap();
    redis::cmd("SET").arg("session:1").arg("x").query::<()>(&mut admin).unwrap();
    let store = format!(
        "address = \"{address}\"\nsession_prefixes = [\"session:\"]\n\
         application = {{ user = {user}, password = {password} }}"
    );
    let path = redis.folder.path().join("open.toml");
    std::fs::write(&path, with_store(&shop.url(), &store)).unwrap();
    let audited = audit(&path, &[], &[]);
    assert_eq!(audited.code, Some(3));
    for named in [
        "plain text to the store refused",
        "store needs a password",
        "application's rights at the store",
        "sessions expire in the store",
    ] {
        assert!(audited.with("failed").contains(&named), "{named} in {:?}", audited.with("failed"));
    }
    assert!(audited.with("passed").contains(&"store refuses a wrong password"));
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut admin).unwrap();
    assert_eq!(keys, ["session:1"], "the audit changes nothing");
}

/// A lab that somebody else has started.
struct Neighbour {
    child: Child,
    url: String,
    files: PathBuf,
    /// Process number and name of its servers.
    processes: Vec<(i32, String)>,
    _folder: tempfile::TempDir,
}

impl Neighbour {
    fn start(profile: &str) -> Neighbour {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lab.toml"), profile).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
        command.args(["lab", "up", "lab.toml"]).env("RUSHHOUR_LAB_PASSWORD", "neighbour").current_dir(folder.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let lines: Vec<String> = lines.take_while(|line| !line.starts_with("Ctrl-C")).collect();
        let all = |key: &str| -> Vec<String> {
            lines.iter().filter_map(|line| Some(line.strip_prefix(key)?.trim().to_owned())).collect()
        };
        let process = |line: String| {
            let (pid, name) = line.split_once(' ').unwrap();
            (pid.parse().unwrap(), name.to_owned())
        };
        Neighbour {
            child,
            url: all("url").remove(0),
            files: all("files").remove(0).into(),
            processes: all("process").into_iter().map(process).collect(),
            _folder: folder,
        }
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.files.join(file)).unwrap()
    }

    /// Where a server listens.
    fn address(&self, server: &str, file: &str) -> String {
        let config = self.read(&format!("{server}/{file}"));
        let port = config.lines().find_map(|line| line.strip_prefix("tls-port ")).unwrap();
        format!("127.0.0.1:{port}")
    }

    /// The password of a user of its store, in a file.
    fn password(&self, user: &str, folder: &Path) -> String {
        let acl = self.read("redis-1/users.acl");
        let rule = acl.lines().find_map(|line| line.strip_prefix(&format!("user {user} on >"))).unwrap();
        let path = folder.join(format!("{user}-password"));
        std::fs::write(&path, rule.split(' ').next().unwrap()).unwrap();
        path.display().to_string()
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT);
        let _ = self.child.wait();
    }
}

const NEIGHBOUR: &str = r#"
workload = { stages = ["1/s for 1s"] }
users = { generate = 200 }
scenarios = [{ name = "nobody", steps = [{ name = "home", get = "/" }] }]

[fleet]
instances = 2
workers = 16
service_time = "constant 5ms"
session_ttl = "3s"
absolute_timeout = "8s"
store = { persistence = "append-only" }
"#;

/// Users who come, look for four seconds whether they are still known, and leave.
fn visitors(neighbour: &Neighbour, folder: &Path) -> String {
    let name = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let sentinels: Vec<String> =
        (1..=3).map(|n| format!("\"{}\"", neighbour.address(&format!("sentinel-{n}"), "sentinel.conf"))).collect();
    format!(
        r#"
        target = {{ url = "{url}", zone = {{ header = "x-zone" }} }}
        users = {{ generate = 200, name = "user-{{n}}", password = {{ file = "{password}" }} }}
        workload = {{ stages = ["4/s for 14s"], arrivals = "even", grace = "8s" }}

        [session]
        identity = {{ header = "x-user" }}
        idle_timeout = "3s"
        lifetime = "8s"

        [fleet]
        provider = "observe"

        [store]
        ca_file = "{ca}"
        user = {{ file = "{user}" }}
        password = {{ file = "{probe}" }}
        application = {{ user = {{ file = "{app_user}" }}, password = {{ file = "{app}" }} }}
        session_prefixes = ["rh:session:", "rh:token:"]

        [store.sentinels]
        addresses = [{sentinels}]
        name = "sessions"
        user = {{ file = "{user}" }}
        password = {{ file = "{probe}" }}

        [[scenarios]]
        name = "visitor"
        think = "200ms"

        [[scenarios.steps]]
        name = "form"
        get = "/login"
        login = true
        extract = {{ csrf = {{ css = "input[name=csrf]", attribute = "value" }} }}

        [[scenarios.steps]]
        name = "login"
        post = "/login"
        login = true
        form = {{ username = "{{{{user.name}}}}", password = "{{{{user.password}}}}", csrf = "{{{{csrf}}}}" }}

        [[scenarios.steps]]
        name = "me"
        get = "/me"
        proves_identity = true
        repeat = 20

        [[scenarios.steps]]
        name = "logout"
        post = "/logout"
        logout = true
        "#,
        url = neighbour.url,
        password = name("password", "neighbour"),
        ca = neighbour.files.join("ca.pem").display(),
        user = name("probe", "probe"),
        app_user = name("app", "app"),
        probe = neighbour.password("probe", folder),
        app = neighbour.password("app", folder),
        sentinels = sentinels.join(", "),
    )
}

#[test]
fn somebody_elses_fleet_is_audited_and_its_losses_have_causes() {
    let folder = tempfile::tempdir().unwrap();
    let neighbour = Neighbour::start(NEIGHBOUR);
    let profile = visitors(&neighbour, folder.path());
    let path = folder.path().join("visitors.toml");
    std::fs::write(&path, &profile).unwrap();

    let audited = audit(&path, &["--wait"], &[]);
    audited.demand(0, &[], &[]);
    for told in [
        "instances over zones",
        "sessions known everywhere",
        "old id dead after logout",
        "store fails over by itself",
        "application's rights at the store",
        "time to live within the idle time-out",
        "idle time-out honoured",
        "absolute time-out honoured",
    ] {
        assert!(audited.with("passed").contains(&told), "{told} in {:?}", audited.with("passed"));
    }
    // Nothing is done to a fleet that is not the lab.
    assert!(audited.with("not-applicable").contains(&"health check tells readiness"));

    let operator = std::fs::read_to_string(neighbour.password("operator", folder.path())).unwrap();
    let login = StoreLogin { user: "operator".to_owned(), password: Secret::new(operator) };
    let operator = Client::new(neighbour.read("ca.pem").as_bytes(), Some(login));
    let first = neighbour.address("redis-1", "redis.conf");
    let running = start(&profile, &[], None);
    running.wait_for_samples(5);
    ask(&operator, &first, "CONFIG SET maxmemory-policy allkeys-random").unwrap();
    ask(&operator, &first, "CONFIG SET maxmemory 1").unwrap();
    until("the sessions are evicted", || {
        let info: redis::InfoDict = redis::from_redis_value(ask(&operator, &first, "INFO stats").unwrap()).unwrap();
        info.get::<u64>("evicted_keys").unwrap() >= 5
    });
    ask(&operator, &first, "CONFIG SET maxmemory 268435456").unwrap();
    running.wait_for_samples(9);
    let (pid, _) = neighbour.processes.iter().find(|(_, name)| name == "redis-1").unwrap();
    kill(Pid::from_raw(*pid), Signal::SIGKILL).unwrap();
    let ended = running.end();
    ended.demand_code(4);
    demand_causes(&ended);
}

fn demand_causes(ended: &Ended) {
    let analysis = ended.analysis();
    let causes = analysis["sessions"]["causes"].to_string();
    assert!(causes.contains("eviction"), "{causes}");
    let outages = analysis["analysis"]["store"]["outages"].as_array().unwrap();
    assert!(outages.iter().any(|outage| outage["seconds"].as_f64().is_some_and(|s| s > 0.5)), "{outages:?}");
    let events = std::fs::read_to_string(ended.run_directory().join("events.jsonl")).unwrap();
    assert!(events.contains(r#""role":"primary""#), "no new primary in\n{events}");
}
