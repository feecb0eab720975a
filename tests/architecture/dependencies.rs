//! What the build brings in: licences, crates that must stay out, crates that come twice. Read from `cargo tree`, which
//! knows what is really built; `cargo metadata` also lists what a feature that is off would bring.

use super::root;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The same everywhere, so that the lists below hold on every machine.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Licences that ask no more than to be named. MPL-2.0 asks for changes of its own files alone; we make none.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// One TLS provider, aws-lc, and no library of the system.
const KEPT_OUT: &[&str] = &["native-tls", "openssl", "openssl-sys", "ring"];

/// Crates that come in more than one version, and who holds the older one back.
const TWICE: &[(&str, &str)] = &[
    ("base64", "hdrhistogram and tower-sessions have 0.22"),
    ("block-buffer", "redis and aws-config have sha1 0.10, argon2 and aws-sdk-s3 the digest 0.11 family"),
    ("cpufeatures", "redis and aws-config have sha1 0.10, argon2 and aws-sdk-s3 the digest 0.11 family"),
    ("crypto-common", "redis and aws-config have sha1 0.10, argon2 and aws-sdk-s3 the digest 0.11 family"),
    ("digest", "redis and aws-config have sha1 0.10, argon2 and aws-sdk-s3 the digest 0.11 family"),
    ("getrandom", "ahash and rand 0.9 have 0.3"),
    ("http", "aws-smithy-types still names the types of 0.2"),
    ("http-body", "aws-smithy-types still names the types of 0.4"),
    ("nom", "what the AWS SDK's test client compares CBOR with has 7"),
    ("num-bigint", "aws-smithy-cbor has 0.4 by bigdecimal, parquet 0.5"),
    ("rand", "goose and tower-sessions have 0.9"),
    ("rand_core", "goose and tower-sessions have rand 0.9"),
    ("roxmltree", "the AWS SDK's test client has 0.14"),
    ("sha1", "redis and aws-config have 0.10, aws-sdk-s3 0.11"),
    ("spin", "goose has 0.9 by flume, aws-sdk-s3 0.10"),
    ("syn", "most derive macros have 2, the newest have 3"),
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
}

/// Reads lines such as `serde v1.0.0 (proc-macro)|MIT OR Apache-2.0 (*)`.
fn packages(tree: &str) -> BTreeSet<Package> {
    let lines = tree.lines().filter_map(|line| line.split_once('|'));
    lines
        .map(|(package, licence)| {
            let mut words = package.split_whitespace();
            let mut word = || words.next().unwrap_or_default().to_owned();
            let licence = licence.trim().trim_end_matches("(*)").trim().to_owned();
            Package { name: word(), version: word().trim_start_matches('v').to_owned(), licence }
        })
        .collect()
}

/// Whether an SPDX expression can be met with allowed licences alone. `/` is the old way to write `OR`.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&words, &mut at);
    met && at == words.len()
}

fn either(words: &[&str], at: &mut usize) -> bool {
    let mut met = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at);
    }
    met
}

fn both(words: &[&str], at: &mut usize) -> bool {
    let mut met = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at);
    }
    met
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(&word) = words.get(*at) else { return false };
    *at += 1;
    if word == "(" {
        let met = either(words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return met && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return ALLOWED.contains(&format!("{word} WITH {exception}").as_str());
    }
    ALLOWED.contains(&word)
}

fn wrong_licences(packages: &BTreeSet<Package>) -> Vec<String> {
    let wrong = packages.iter().filter(|package| !allowed(&package.licence));
    wrong.map(|p| format!("{} {}: licence `{}` is not on the list", p.name, p.version, p.licence)).collect()
}

fn kept_out(packages: &BTreeSet<Package>) -> Vec<String> {
    let wrong = packages.iter().filter(|package| KEPT_OUT.contains(&package.name.as_str()));
    wrong.map(|p| format!("{} {} has come in: `cargo tree -i {}` says by whom", p.name, p.version, p.name)).collect()
}

/// Crates that come twice and are not listed, and listed ones that no longer do.
fn wrong_duplicates(packages: &BTreeSet<Package>, listed: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let new = versions.iter().filter(|(name, _)| listed.iter().all(|(known, _)| known != *name));
    let new = new
        .map(|(name, versions)| format!("{name} comes in versions {versions:?}: avoid it, or list it with a reason"));
    let gone = listed.iter().filter(|(name, _)| !versions.contains_key(name));
    new.chain(gone.map(|(name, _)| format!("{name} comes once by now: take it off the list"))).collect()
}

fn built() -> BTreeSet<Package> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--edges", "normal,build,dev", "--target", PLATFORM])
        .args(["--format", "{p}|{l}"])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    let packages = packages(&String::from_utf8_lossy(&tree.stdout));
    assert!(packages.len() > 100, "the dependencies were not found");
    packages
}

#[test]
fn dependencies_are_as_agreed() {
    let packages = built();
    let wrong = [wrong_licences(&packages), kept_out(&packages), wrong_duplicates(&packages, TWICE)].concat();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn licence_expressions_are_understood() {
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("", false),
        ("GPL-3.0-only OR MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only / MIT", true),
        ("(MIT OR GPL-2.0) AND ISC", true),
        ("(MIT OR Apache-2.0) AND GPL-2.0", false),
        ("MIT OR ISC AND GPL-2.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("MIT OR", true),
        ("MIT MIT", false),
        ("(MIT", false),
    ] {
        assert_eq!(allowed(expression), expected, "{expression}");
    }
}

#[test]
fn the_checks_find_what_is_wrong() {
    let tree = "rushhour v0.1.0 (/somewhere)|Apache-2.0\n\
                ring v0.17.14|Apache-2.0 AND ISC (*)\n\
                syn v2.0.0|MIT\nsyn v3.0.0 (proc-macro)|MIT\nsyn v3.0.0 (proc-macro)|MIT (*)\n\
                closed v1.0.0|\n";
    let packages = packages(tree);
    assert_eq!(packages.len(), 5);
    assert_eq!(wrong_licences(&packages), ["closed 1.0.0: licence `` is not on the list"]);
    assert_eq!(kept_out(&packages).len(), 1);
    assert_eq!(wrong_duplicates(&packages, &[("syn", "…")]), Vec::<String>::new());
    assert_eq!(wrong_duplicates(&packages, &[]).len(), 1);
    assert_eq!(wrong_duplicates(&packages, &[("syn", "…"), ("rand", "…")]).len(), 1);
}
