//! What people see who get a profile wrong.

use rushhour::plan::{Body, Piece, Plan, Secret, StoreTransport, Surroundings, Unrecorded, resolve};
use rushhour::profile::{Profile, ProfileErrors};
use std::io;
use std::path::Path;

/// A right profile, of which each case breaks one part.
const RIGHT: &str = r##"name = "demo"

[target]
url = "http://127.0.0.1:8080"
timeout = "5s"
instance = { header = "x-instance" }

[connections]
mode = "browser"

[users]
csv = "users.csv"

[workload]
model = "sessions"
stages = ["1/s -> 2/s over 10s", "2/s for 20s"]
max_sessions = 3

[[scenarios]]
name = "shopper"
weight = 1
think = "1s..2s"

[[scenarios.steps]]
name = "login"
post = "/login"
login = true
form = { username = "{{user.name}}", password = "{{user.password}}" }
extract = { token_field = { css = "input[name=csrf]", attribute = "value" } }

[[scenarios.steps]]
name = "theme"
put = "/preferences"
let = { theme = "{{choice(dark, light)}}" }
json = { theme = "{{theme}}" }
sets = { theme = "{{theme}}" }
proves_identity = true

[[scenarios.steps]]
name = "cart"
post = "/cart"
json = '{ "item": {{random(1, 5)}} }'
adds = { cart = 1 }
reads = { cart = { json = "/count" } }

[[scenarios.steps]]
name = "report"
post = "/jobs"
starts_job = "report"

[[scenarios.steps]]
name = "poll"
get = "/jobs/1"
polls_job = { job = "report", state = { json = "/state" } }

[[scenarios.steps]]
name = "logout"
post = "/logout"
logout = true

[session]
identity = { header = "x-user", equals = "{{user.name}}" }
states = { cart = "counter", theme = "register", report = "job" }

[fleet]
provider = "observe"

[[timeline]]
at = "15s"
do = "declare"
name = "rollout"

[[objectives]]
metric = "response-time p99"
step = "cart"
at_most = "500ms"
during = "rollout +0s..10s"
"##;

struct Desk;

impl Surroundings for Desk {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "PASSWORD").then(|| "s3cret".to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        match path.to_str().unwrap() {
            "here/users.csv" => Ok("name,password\na,s3cret\nb,s3cret\nc,s3cret\n".to_owned()),
            "here/nobody.csv" => Ok("name,password\n".to_owned()),
            "here/day.csv" => Ok("seconds,rate\n0,1\n10,x\n".to_owned()),
            "here/good.csv" => Ok("time,rate\n18:00,60\n19:00,120\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn read(text: &str, assignments: &[&str]) -> Result<(Plan, Unrecorded), ProfileErrors> {
    let assignments: Vec<String> = assignments.iter().map(|&a| a.to_owned()).collect();
    let profile = Profile::parse(Path::new("here/demo.toml"), text, &assignments)?;
    resolve(&profile, &Desk)
}

fn broken(from: &str, to: &str) -> ProfileErrors {
    assert_eq!(RIGHT.matches(from).count(), 1, "{from} is not once in the profile");
    let text = RIGHT.replace(from, to);
    read(&text, &[]).err().unwrap_or_else(|| panic!("`{to}` was taken"))
}

#[test]
fn the_right_profile_is_right() {
    let (plan, unrecorded) = read(RIGHT, &[]).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!((plan.user_count, plan.workload.max_sessions), (3, 3));
    assert_eq!(unrecorded.feeder.build(Secret::new("")).row(1).0[0].expose(), "b");
    assert!(!serde_json::to_string(&plan).unwrap().contains("s3cret"));
}

#[test]
fn a_store_is_named_without_its_secrets_in_the_plan() {
    let store = "\n[store]\naddress = \"redis.example.com:6380\"\npassword = { env = \"PASSWORD\" }\n";
    let (plan, unrecorded) = read(&format!("{RIGHT}{store}"), &[]).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let access = unrecorded.store.unwrap();
    let login = access.login.as_ref().unwrap();
    assert_eq!((login.user.as_str(), login.password.expose()), ("default", "s3cret"));
    assert_eq!((access.nodes.len(), access.canary_prefix.as_str()), (1, "rhprobe:"));
    assert_eq!(access.transport, StoreTransport::Tls { ca_pem: None });
    assert!(!serde_json::to_string(&plan).unwrap().contains("s3cret"));
    assert!(!format!("{access:?}").contains("s3cret"));
}

#[test]
fn the_lab_has_a_store_of_its_own() {
    let text = "scenarios = [{ name = \"a\", steps = [{ name = \"b\", get = \"/\" }] }]\n\
                workload = { stages = [\"1/s for 9s\"] }\nstore = { address = \"r:1\" }";
    let errors = read(text, &[]).unwrap_err();
    assert_eq!(errors.errors.len(), 1);
    assert!(errors.errors[0].message.contains("a store of its own"), "{}", errors.render(false));
}

/// What is broken, how, what is said, and the text pointed at.
#[rustfmt::skip]
const CASES: &[(&str, &str, &str, &str)] = &[
    // Structure
    ("timeout = ", "timeuot = ", "unknown key `timeuot` in `target`", "timeuot"),
    ("extract = { token_field", "extract = { t = { hedaer = \"x\" }, token_field", "unknown key `hedaer`", "hedaer"),
    ("weight = 1", "weight = \"one\"", "invalid type", "\"one\""),
    ("timeout = \"5s\"", "timeout = \"5 parsecs\"", "is not a time", "\"5 parsecs\""),
    ("timeout = \"5s\"", "timeout = 5", "invalid type: integer `5`, expected a string", "5"),
    ("mode = \"browser\"", "mode = \"brwoser\"", "`brwoser` is not one of the choices", "\"brwoser\""),
    ("name = \"shopper\"\n", "", "the key `name` is missing", "[[scenarios]]"),
    ("name = \"demo\"", "name = \"../etc\"", "cannot name a profile", "\"../etc\""),
    // Target and connections
    ("\"http://127.0.0.1:8080\"", "\"ftp://x\"", "not a scheme of HTTP", "\"ftp://x\""),
    ("\"http://127.0.0.1:8080\"", "\"http://a:b@x\"", "credentials", "\"http://***@x\""),
    ("\"http://127.0.0.1:8080\"", "\"/shop\"", "not a URL", "\"/shop\""),
    ("url = \"http://127.0.0.1:8080\"\n", "", "needs `target.url`", ""),
    ("timeout = \"5s\"", "timeout = \"0s\"", "timeout of zero", "\"0s\""),
    ("timeout = \"5s\"", "ca_file = \"no.pem\"", "cannot be read", "\"no.pem\""),
    ("timeout = \"5s\"", "ca_file = \"users.csv\"", "no certificate", "\"users.csv\""),
    ("timeout = \"5s\"", "headers = { authorization = \"x\" }", "carries a secret", "\"*\""),
    ("timeout = \"5s\"", "headers = { x-auth-token = \"x\" }", "carries a secret", "\"*\""),
    ("password = \"{{user.password}}\"", "password = \"hunter2\"", "carries a secret", "\"*******\""),
    ("'{ \"item\": {{random(1, 5)}} }'", "{ client_secret = \"x\" }", "`client_secret` carries a secret", ""),
    ("timeout = \"5s\"", "headers = { \"a b\" = \"x\" }", "not the name of a header field", "\"x\""),
    ("{ header = \"x-instance\" }", "{ }", "does not say where", "{ }"),
    ("{ header = \"x-instance\" }", "{ json = \"id\" }", "not a JSON pointer", "\"id\""),
    ("{ header = \"x-instance\" }", "{ regex = \"(\" }", "not a regular expression", "\"(\""),
    ("mode = \"browser\"", "mode = \"rotate\"", "`rotate` without a limit", "\"rotate\""),
    ("mode = \"browser\"", "max_age = \"5s\"", "is for `mode = \"rotate\"`", "\"5s\""),
    // The store that it names
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"redis\"", "this is not an address", "\"redis\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"redis://a:b@r:1\"", "this is not an address", "\"redis://***@r:1\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\nsentinels = { addresses = [\"s:1\"], name = \"m\" }", "`address` beside `sentinels`", "\"r:1\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\nsentinels = { addresses = [], name = \"m\" }", "no sentinel at all", "[]"),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\nsession_prefixes = [\"s:\"]", "does not say where the store is", "[store]"),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\nuser = { env = \"PASSWORD\" }", "`user` without `password`", "{ env = \"PASSWORD\" }"),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\npassword = \"hunter2\"", "never written in a profile", "\"*******\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\ntransport = \"plain\"\nca_file = \"ca.pem\"", "nobody shows a certificate in plain text", "\"ca.pem\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\nsession_prefixes = [\"rh\"]", "would be taken for sessions", "\"rh\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\ncanary_prefix = \"\"", "among everybody's", "\"\""),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\nwait_for_replicas = 9", "9 replicas are not possible", "9"),
    ("provider = \"observe\"", "provider = \"observe\"\n[store]\naddress = \"r:1\"\nadress = \"r:1\"", "unknown key `adress` in `store`", "adress"),
    // Users
    ("csv = \"users.csv\"", "generate = 9\npassword = \"hunter2\"", "never written in a profile", "\"*******\""),
    ("csv = \"users.csv\"", "generate = 9\npassword = { env = \"NONE\" }", "`NONE` is not set", "{ env = \"NONE\" }"),
    ("csv = \"users.csv\"", "generate = 0\npassword = { env = \"PASSWORD\" }", "no users at all", "0"),
    ("csv = \"users.csv\"", "generate = 9\nname = \"bob\"", "the same name", "\"bob\""),
    ("\"users.csv\"", "\"nobody.csv\"", "there are no users in it", "\"nobody.csv\""),
    ("\"users.csv\"", "\"none.csv\"", "cannot be read", "\"none.csv\""),
    ("max_sessions = 3", "max_sessions = 4", "4 users are needed, as many as `workload.max_sessions`, and `users.csv` has 3", "\"users.csv\""),
    ("max_sessions = 3\n", "", "as many as sessions are expected in flight", "\"users.csv\""),
    // Workload
    ("\"2/s for 20s\"", "\"2/s\"", "does not say how long", "\"2/s\""),
    ("\"2/s for 20s\"", "\"2/s for 0s\"", "lasts no time", "\"2/s for 0s\""),
    ("\"2/s for 20s\"", "\"-2/s for 20s\"", "negative", "\"-2/s for 20s\""),
    ("model = \"sessions\"", "model = \"users\"", "is a rate", "\"1/s -> 2/s over 10s\""),
    ("[\"1/s -> 2/s over 10s\", \"2/s for 20s\"]", "[]", "there are no stages", "[]"),
    ("[\"1/s -> 2/s over 10s\", \"2/s for 20s\"]", "[\"0/s for 20s\"]", "nothing arrives", "[\"0/s for 20s\"]"),
    ("max_sessions = 3", "max_sessions = 0", "no session could ever begin", "0"),
    ("max_sessions = 3", "max_sessions = 3\ncompress = 0", "must be above 0", "0"),
    ("max_sessions = 3", "max_sessions = 3\ncompress = 1e-300", "must be above 0", "1e-300"),
    ("weight = 1", "weight = 4294967295", "too much", "4294967295"),
    ("proves_identity = true", "repeat = [4294967295, 4294967295]", "not a number of times", "[4294967295, 4294967295]"),
    ("max_sessions = 3", "curve = { csv = \"day.csv\" }", "must be said in one way", "[workload]"),
    ("stages = [\"1/s -> 2/s over 10s\", \"2/s for 20s\"]", "curve = { csv = \"day.csv\" }", "`day.csv`: line 3: `x` is not a rate", "\"day.csv\""),
    // Scenarios
    ("weight = 1", "weight = 0", "would run", "0"),
    ("\"1s..2s\"", "\"pareto 2s\"", "not a distribution", "\"pareto 2s\""),
    ("post = \"/login\"", "post = \"/login\"\nget = \"/login\"", "not one request", "\"login\""),
    ("get = \"/jobs/1\"", "get = \"jobs/1\"", "is not a path", "\"jobs/1\""),
    ("get = \"/jobs/1\"", "get = \"/jobs/a b\"", "cannot hold ' '", "\"/jobs/a b\""),
    ("get = \"/jobs/1\"", "get = \"/jobs/{{id}}\"", "nothing named `id` has a value here", "{{id}}"),
    ("get = \"/jobs/1\"", "get = \"/jobs/1\"\nraw = \"x\"", "a GET request has no body", "\"/jobs/1\""),
    ("get = \"/jobs/1\"", "get = \"/jobs/1\"\nrepeat = 2", "beside `polls_job`", "2"),
    ("get = \"/jobs/1\"", "get = \"/jobs/1\"\nexpect = { status = 99 }", "99 is no HTTP status", "99"),
    ("get = \"/jobs/1\"", "get = \"/jobs/1\"\nheaders = { cookie = \"sid=1\" }", "carries a secret", "\"*****\""),
    ("username = \"{{user.name}}\"", "username = \"{{user.nmae}}\"", "users have no field `nmae`", "{{user.nmae}}"),
    ("css = \"input[name=csrf]\"", "css = \"input[[\"", "not a CSS selector", "\"input[[\""),
    ("extract = { token_field", "extract = { token", "cannot name a variable", "{ css = \"input[name=csrf]\", attribute = \"value\" }"),
    ("'{ \"item\": {{random(1, 5)}} }'", "'{ \"item\": }'", "not JSON", "'{ \"item\": }'"),
    ("{{random(1, 5)}}", "{{random(5, 1)}}", "is empty", "{{random(5, 1)}}"),
    ("name = \"poll\"", "name = \"cart\"", "a step before is named `cart` too", "\"cart\""),
    ("name = \"poll\"", "name = \"poll\"\nlogout = true", "steps come after the logout", "\"poll\""),
    ("login = true\n", "", "never logs in", "true"),
    ("proves_identity = true", "repeat = [3, 1]", "not a number of times", "[3, 1]"),
    // State
    ("sets = { theme = \"{{theme}}\" }", "sets = { theme = \"{{token}}\" }", "drawn anew", "\"{{token}}\""),
    ("theme = \"register\"", "theme = \"counter\"", "`theme` is a counter, not a register", "\"{{theme}}\""),
    ("theme = \"register\", ", "", "there is no register `theme`", "\"{{theme}}\""),
    ("adds = { cart = 1 }", "adds = { cart = -1 }", "only grows", "-1"),
    ("starts_job = \"report\"", "", "no step before this one starts the job", "\"report\""),
    ("{ json = \"/state\" } }", "{ json = \"/state\" }, every = \"0s\" }", "`every` must be above zero", "\"0s\""),
    ("equals = \"{{user.name}}\"", "equals = \"bob\"", "does not tell one user from another", "\"bob\""),
    ("identity = {", "rejected = [{ }]\nidentity = {", "every response would ask", "{ }"),
    // Fleet, timeline, objectives
    ("provider = \"observe\"", "provider = \"observe\"\ninstances = 2", "`instances` is a key of the lab", "2"),
    ("provider = \"observe\"", "store = { kind = \"single\", link_delay = \"5ms\" }", "no replicas for `link_delay`", "\"5ms\""),
    ("provider = \"observe\"", "store = { kind = \"cluster\", wait_for_replicas = 2 }", "more than a primary has", "2"),
    ("provider = \"observe\"\n\n[[timeline]]\nat = \"15s\"\ndo = \"declare\"", "store = { kind = \"cluster\" }\n\n[[timeline]]\nat = \"15s\"\ndo = \"snapshot\"", "no common moment", "\"snapshot\""),
    ("provider = \"observe\"\n\n[[timeline]]\nat = \"15s\"\ndo = \"declare\"", "store = { kind = \"single\" }\n\n[[timeline]]\nat = \"15s\"\ndo = \"store-failover\"", "none to fail over to", "\"store-failover\""),
    ("provider = \"observe\"", "", "has a URL of its own", "\"http://127.0.0.1:8080\""),
    ("provider = \"observe\"", "store = { kind = \"single\", reads = \"eventual\" }", "`reads` is for DynamoDB", "\"eventual\""),
    ("at = \"15s\"", "at = \"30s\"", "the load is over by then: it lasts 30s", "\"30s\""),
    ("do = \"declare\"", "do = \"scale-out\"", "cannot be changed", "\"scale-out\""),
    ("name = \"rollout\"", "", "`declare` needs `name`", "\"declare\""),
    ("name = \"rollout\"", "name = \"rollout\"\nby = 2", "`by` does not belong here", "2"),
    ("name = \"rollout\"", "name = \"\"", "`name` asks for nothing", "\"\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"wait-for\"", "waits for one thing", "\"wait-for\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"wait-for\"\nevent = \"instance-helthy\"", "no event is called", "\"instance-helthy\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"run\"", "`run` needs `command`", "\"run\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"store-outage\"\nwithin = \"5s\"", "`within` does not belong here", "\"5s\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"zone-outage\"", "`zone-outage` needs `zone`", "\"zone-outage\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"zone-outage\"\nzone = \"b\"\nhow = \"graceful\"", "not done in that manner", "\"graceful\""),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"blue-green\"\nsteps = [0.5, 0.4]", "do not rise to 1", "[0.5, 0.4]"),
    ("do = \"declare\"\nname = \"rollout\"", "do = \"evict\"\nmemory = 2.0", "nothing is evicted", "2.0"),
    ("\"response-time p99\"", "\"respons-time p99\"", "there is no metric", "\"respons-time p99\""),
    ("\"response-time p99\"", "\"response-time\"", "needs a percentile", "\"response-time\""),
    ("\"response-time p99\"", "\"error-rate\"", "the limit is a share", "\"500ms\""),
    ("at_most = \"500ms\"", "", "has one limit", "\"response-time p99\""),
    ("timeout = \"5s\"", "access_log = { s3 = \"https://logs\" }", "not a place in S3", "\"https://logs\""),
    ("timeout = \"5s\"", "access_log = { s3 = \"s3://Logs\" }", "not the name of a bucket", "\"s3://Logs\""),
    ("timeout = \"5s\"", "access_log = { s3 = \"s3://logs/AWSLogs/1\" }", "is the balancer's own", "\"s3://logs/AWSLogs/1\""),
    ("timeout = \"5s\"", "access_log = { s3 = \"s3://logs\", region = \"eu-central-1a\" }", "not the name of a region", "\"eu-central-1a\""),
    ("name = \"demo\"", "name = \"demo\"\n[publish.cloudwatch]\nnamespace = \"AWS/EC2\"", "are AWS' own", "\"AWS/EC2\""),
    ("name = \"demo\"", "name = \"demo\"\n[publish.cloudwatch]\nnamespace = \"a b\"", "does not take this as a namespace", "\"a b\""),
    ("name = \"demo\"", "name = \"demo\"\n[publish.cloudwatch]\nversion = \"é\"", "does not take this as a dimension", "\"é\""),
    ("step = \"cart\"", "step = \"crat\"", "there is no step `crat`", "\"crat\""),
    ("step = \"cart\"", "scenario = \"buyer\"", "there is no scenario `buyer`", "\"buyer\""),
    ("\"rollout +0s..10s\"", "\"scale-out +0s..10s\"", "nothing in this run is named `scale-out`", "scale-out"),
    ("\"rollout +0s..10s\"", "\"rollout +9s..1s\"", "ends before it begins", "\"rollout +9s..1s\""),
    ("\"rollout +0s..10s\"", "\"+40s..50s\"", "the load is over by then", "\"+40s..50s\""),
];

#[test]
fn every_mistake_is_told_and_pointed_at() {
    for (from, to, message, pointed_at) in CASES {
        let errors = broken(from, to);
        let Some(error) = errors.errors.iter().find(|error| error.message.contains(message)) else {
            panic!("`{to}` should say `{message}`, says:\n{}", errors.render(false));
        };
        let text = RIGHT.replace(from, to);
        let (line, column) = errors.position(error).unwrap_or((1, 1));
        let rest: String = text.lines().nth(line - 1).unwrap().chars().skip(column - 1).collect();
        let starts_same = rest.chars().next() == pointed_at.chars().next();
        assert!(pointed_at.contains('*') && starts_same || rest.starts_with(pointed_at), "`{to}`: at `{rest}`");
        let shown = errors.render(false);
        assert!(!["hunter2", "s3cret", "a:b@", "sid=1"].iter().any(|secret| shown.contains(secret)), "{shown}");
        assert!(shown.contains(pointed_at), "`{to}`:\n{shown}");
    }
}

/// The right profile's fleet and timeline, as an Auto Scaling group that is scaled.
#[cfg(feature = "aws")]
const ON_AWS: (&str, &str) = (
    r#"provider = "aws"

[fleet.aws]
region = "eu-central-1"
auto_scaling_group = "web"
target_group = "web"
elasticache = "sessions"
allow = ["rolling-replace"]
blue_green = { listener = "arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/web/5/f", target_group = "green", auto_scaling_group = "web-green" }"#,
    "do = \"rolling-replace\"",
);

#[cfg(feature = "aws")]
fn on_aws(from: &str, to: &str) -> Result<(Plan, Unrecorded), ProfileErrors> {
    let rest = RIGHT.replace("provider = \"observe\"", ON_AWS.0).replace("rollout +0s", "rolling-replace +0s");
    let whole = rest.replace("do = \"declare\"\nname = \"rollout\"", ON_AWS.1);
    if from.is_empty() {
        return read(&whole, &[]);
    }
    assert_eq!(whole.matches(from).count(), 1, "{from} is not once in the profile");
    read(&whole.replace(from, to), &[])
}

#[cfg(feature = "aws")]
#[test]
#[rustfmt::skip]
fn what_cannot_be_done_on_aws_is_told_and_pointed_at() {
    let (plan, _) = on_aws("", "").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let rushhour::plan::FleetPlan::Aws(aws) = &plan.fleet else { panic!("{:?}", plan.fleet) };
    assert_eq!((aws.allow.as_slice(), aws.groups().collect::<Vec<_>>()), (&["rolling-replace".to_owned()][..], vec!["web", "web-green"]));
    for (from, to, message, pointed_at) in [
        ("allow = [\"rolling-replace\"]\n", "", "does not allow `rolling-replace`", "\"rolling-replace\""),
        ("allow = [\"rolling-replace\"]", "allow = [\"evict\"]", "cannot be done on AWS", "\"evict\""),
        ("[fleet.aws]\n", "instances = 2\n[fleet.aws]\n", "`instances` is a key of the lab", "2"),
        ("provider = \"aws\"", "provider = \"observe\"", "`fleet.aws` is for another fleet", "[fleet.aws]"),
        ("auto_scaling_group = \"web\"\n", "", "the key `auto_scaling_group` is missing", "[fleet.aws]"),
        ("auto_scaling_group = \"web\"\n", "auto_scaling_group = \"arn:aws:autoscaling:x\"\n", "is not a name", "\"arn:aws:autoscaling:x\""),
        ("\ntarget_group = \"web\"", "\ntarget_group = \"arn:aws:autoscaling:x\"", "the ARN of something else", "\"arn:aws:autoscaling:x\""),
        ("\"arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/web/5/f\"", "\"web\"", "not the ARN of a listener", "\"web\""),
        ("\"eu-central-1\"", "\"eu-central-1a\"", "not the name of a region", "\"eu-central-1a\""),
        ("elasticache = \"sessions\"", "elasticache = \"sessions\"\ndynamodb_table = \"carts\"", "kept in one store", "\"carts\""),
        ("do = \"rolling-replace\"", "do = \"rolling-replace\"\ndrain = false", "drains what it replaces", "false"),
        ("do = \"rolling-replace\"", "do = \"freeze-instance\"", "AWS has no call for this", "\"freeze-instance\""),
        ("do = \"rolling-replace\"", "do = \"zone-outage\"\nzone = \"b\"", "does not allow `zone-outage`", "\"zone-outage\""),
        ("do = \"rolling-replace\"", "do = \"zone-outage\"\nzone = \"b\"\nhow = \"freeze\"", "is rushhour's to kill or freeze", "how = \"freeze\""),
        ("elasticache = \"sessions\"\nallow = [\"rolling-replace\"]", "allow = [\"snapshot\", \"rolling-replace\"]\n", "", ""),
        ("do = \"rolling-replace\"", "do = \"snapshot\"", "does not allow `snapshot`", "\"snapshot\""),
        ("elasticache = \"sessions\"\nallow = [\"rolling-replace\"]", "allow = [\"store-failover\", \"rolling-replace\"]\n", "", ""),
        ("do = \"rolling-replace\"", "do = \"store-failover\"\nhow = \"kill\"", "one way to test a fail-over", "\"kill\""),
    ] {
        if message.is_empty() {
            on_aws(from, to).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
            continue;
        }
        let errors = on_aws(from, to).err().unwrap_or_else(|| panic!("`{to}` was taken"));
        let shown = errors.render(false);
        let Some(error) = errors.errors.iter().find(|error| error.message.contains(message)) else {
            panic!("`{to}` should say `{message}`, says:\n{shown}");
        };
        assert!(errors.position(error).is_some() && shown.contains(pointed_at), "`{to}`:\n{shown}");
    }
}

#[test]
fn sentinels_that_would_not_hold_still_are_refused() {
    let told = |kind: &str| {
        let kind = format!("fleet.store.kind={kind}");
        let errors = read(RIGHT, &["fleet.provider=lab", &kind, "fleet.store.down_after=1s"]).unwrap_err();
        errors.render(false)
    };
    assert!(told("sentinel").contains("fail over again after a failover"), "{}", told("sentinel"));
    assert!(!told("cluster").contains("fail over"), "{}", told("cluster"));
}

#[test]
fn what_is_of_redis_is_refused_of_dynamodb() {
    for (set, message) in [
        ("fleet.store.down_after=2s", "`down_after` is for Redis"),
        ("fleet.store.min_replicas_to_write=1", "`min_replicas_to_write` is for Redis"),
        ("fleet.store.wait_for_replicas=1", "`wait_for_replicas` is for Redis"),
        ("fleet.store.link_delay=20ms", "`link_delay` is for Redis"),
        ("fleet.store.persistence=snapshot", "`persistence` is for Redis"),
        ("fleet.defect=default-user-on", "this is a defect of Redis"),
        ("timeline.0.do=store-failover", "no primary to fail over"),
        ("timeline.0.do=store-restart", "nothing to restart"),
        ("timeline.0.do=restore", "no snapshots"),
        ("timeline.0.do=evict", "nothing is ever evicted"),
    ] {
        let error = read(RIGHT, &["fleet.provider=lab", "fleet.store.kind=dynamodb", set]).unwrap_err();
        assert!(error.to_string().contains(message), "{set}: {error}");
    }
    let errors = read(RIGHT, &["fleet.provider=lab", "fleet.store.kind=dynamodb"]).unwrap_err();
    let refused = errors.errors.iter().any(|error| error.message.contains("built without DynamoDB"));
    assert_eq!(refused, cfg!(not(feature = "aws")), "{}", errors.render(false));
}

#[test]
fn errors_are_shown_with_their_line_and_a_remedy() {
    let several = RIGHT
        .replace("\"2/s for 20s\"", "\"2/s\"")
        .replace("{{user.password}}", "{{user.pasword}}")
        .replace("step = \"cart\"", "step = \"crat\"");
    let unknown = RIGHT.replace("timeout = ", "timeuot = ").replace("weight", "wieght");
    let shown = [
        read(&several, &[]).unwrap_err().render(false),
        read(&unknown, &[]).unwrap_err().render(false),
        broken("csv = \"users.csv\"", "generate = 9\npassword = \"hunter2\"").render(false),
        broken("max_sessions = 3", "max_sessions = 40").render(false),
        broken("mode = \"browser\"", "mode = \"brwoser\"").render(false),
        broken("[workload]", "[workload").render(false),
        read(RIGHT, &["wrkload.seed=3"]).unwrap_err().render(false),
    ];
    insta::assert_snapshot!(shown.join("\n\n----\n\n"));
}

#[test]
fn any_key_can_be_overridden() {
    let (plan, _) = read(
        RIGHT,
        &[
            "workload.stages.1=3/s for 30s",
            "workload.compress=2",
            "objectives.0.at_most=1s",
            "connections.stickiness=stripped",
            "scenarios.0.steps.2.adds.cart=2",
            "target.headers.x-run=\"nightly\"",
            "users.csv=users.csv",
            "compare.response_time=5%",
            "compare.block=10s",
        ],
    )
    .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(plan.workload.curve.duration().as_secs_f64(), 20.0);
    assert_eq!(plan.workload.curve.peak(), 3.0);
    assert_eq!(plan.timeline[0].at.as_secs_f64(), 7.5);
    assert_eq!(plan.objectives[0].limit, rushhour::plan::Limit::AtMost(1.0));
    assert_eq!(plan.connections.stickiness, rushhour::plan::Stickiness::Stripped);
    assert_eq!(plan.target.headers, [("x-run".to_owned(), "nightly".to_owned())]);
    assert_eq!((plan.compare.response_time, plan.compare.block_seconds, plan.compare.stage), (0.05, 10.0, 0.25));
    let adds = plan.steps.iter().flat_map(|step| &step.states);
    assert!(adds.clone().any(|state| matches!(state, rushhour::plan::StateUse::Add { amount: 2, .. })));
}

#[test]
fn bodies_become_templates() {
    let text =
        RIGHT.replace("json = { theme = \"{{theme}}\" }", r#"json = { list = [1, true, 'a "b" {{theme}}'], z = 0.5 }"#);
    let (plan, _) = read(&text, &[]).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let text = |text: &str| Piece::Text(text.to_owned());
    let json = |step: usize| match &plan.steps[step].body {
        Body::Json(template) => template.pieces.clone(),
        other => panic!("{other:?}"),
    };
    let theme = plan.variables.iter().position(|name| name == "theme").unwrap() as u16;
    assert_eq!(json(1), [text(r#"{"list":[1,true,"a \"b\" "#), Piece::Variable(theme), text(r#""],"z":0.5}"#)]);
    assert_eq!(json(2), [text(r#"{ "item": "#), Piece::Random { from: 1, to: 5 }, text(" }")]);
    assert_eq!(plan.steps[1].assign[0].variable, theme);
}

#[test]
fn a_wrong_override_is_refused() {
    for (assignment, message) in [
        ("workload", "without a `=`"),
        ("wrkload.seed=1", "unknown key `wrkload` at the top"),
        ("workload.sed=1", "unknown key `sed` in `workload`"),
        ("workload.stages.7=1/s for 5s", "`7` is no index in `workload.stages`"),
        ("objectives.first.at_most=1s", "`first` is no index in `objectives`"),
        ("workload.seed.deep=1", "`workload.seed` has no keys"),
        ("workload.seed=soon", "invalid type"),
        ("compare.stages=\"10%\"", "unknown key `stages` in `compare`"),
        ("compare.stage=\"2s\"", "this is a share from 0 to 1"),
        ("compare.confidence=1.0", "nothing can be that sure"),
        ("compare.block=\"200ms\"", "a block this short holds next to nothing"),
    ] {
        let error = read(RIGHT, &[assignment]).err().unwrap_or_else(|| panic!("`{assignment}` was taken"));
        assert!(error.to_string().contains(message), "{assignment}: {error}");
    }
}

#[test]
fn a_production_day_is_scaled_and_compressed() {
    let text = RIGHT.replace(
        "stages = [\"1/s -> 2/s over 10s\", \"2/s for 20s\"]",
        "curve = { csv = \"good.csv\", scale = 0.01, compress = 60 }",
    );
    let (plan, _) = read(&text, &[]).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(plan.workload.curve.duration().as_secs_f64(), 60.0);
    assert!((plan.workload.curve.peak() - 1.2).abs() < 1e-9);
}
