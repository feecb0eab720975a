//! Which module may import which, and what some of them may not name at all.

use super::source::{Named, module_of, paths, tokens};
use super::{files_below, read};
use std::path::{Path, PathBuf};

const TABLE: &[(&str, &[&str])] = &[
    ("history", &[]),
    ("profile", &[]),
    ("app", &[]),
    ("plan", &["profile", "history"]),
    ("fleet", &["plan", "history"]),
    ("load", &["plan", "history"]),
    ("store", &["plan", "history"]),
    ("audit", &["load", "store", "fleet", "plan", "history"]),
    ("record", &["plan", "history"]),
    ("lab", &["fleet", "app", "store", "plan", "history"]),
    ("session", &["history", "plan"]),
    ("analysis", &["history", "plan"]),
    ("verdict", &["session", "analysis", "plan"]),
    ("compare", &["history", "plan", "session", "analysis", "verdict"]),
    ("report", &["audit", "history", "plan", "session", "analysis", "verdict", "compare"]),
    ("run", &["plan", "history", "fleet", "lab", "load", "store", "record"]),
    (
        "cli",
        &[
            "history", "audit", "profile", "app", "plan", "fleet", "load", "store", "record", "lab", "session",
            "analysis", "verdict", "compare", "report", "run",
        ],
    ),
    // main.rs, and lib.rs which names nothing.
    ("", &["cli"]),
];

/// Modules that are pure functions of what is recorded, and what would make them impure.
const PURE: &[&str] = &["session", "analysis", "verdict", "compare"];
const IMPURE: &[&str] = &[
    "tokio",
    "goose",
    "hyper",
    "redis",
    "plotters",
    "nix",
    "tempfile",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// Crates that one module alone may name.
const OWNED: &[(&str, &str)] = &[("goose", "load"), ("plotters", "report")];

const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];
const NAMES_THAT_SAY_NOTHING: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "imp"];

/// The name of the top module a module belongs to; empty for the crate's root.
fn top(module: &[String]) -> &str {
    module.first().map_or("", String::as_str)
}

fn wrong_imports(module: &[String], named: &[Named]) -> Vec<String> {
    let top = top(module);
    let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == top) else {
        return vec![format!("module `{top}` is not in the import table")];
    };
    let modules: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
    let ours = named.iter().filter(|named| named.segments[0] == "crate");
    ours.filter_map(|named| {
        let target = named.segments.get(1)?.as_str();
        let known = modules.contains(&target) || (named.imported && target == "*");
        (known && target != top && !allowed.contains(&target))
            .then(|| format!("line {}: `{top}` may not name `{target}`", named.line))
    })
    .collect()
}

/// A path goes into what is forbidden, or an import takes in a module or glob that it could then be reached through.
fn reaches(named: &Named, forbidden: &str) -> bool {
    let forbidden: Vec<&str> = forbidden.split("::").collect();
    let path: Vec<&str> = named.segments.iter().map(String::as_str).filter(|segment| *segment != "*").collect();
    let shared = path.iter().zip(&forbidden).take_while(|(a, b)| a == b).count();
    shared == forbidden.len() || (named.imported && shared == path.len())
}

fn wrong_crates(module: &[String], named: &[Named]) -> Vec<String> {
    let top = top(module);
    let mut wrong = Vec::new();
    for named in named {
        let path = named.segments.join("::");
        if PURE.contains(&top) && IMPURE.iter().any(|impure| reaches(named, impure)) {
            wrong.push(format!("line {}: `{top}` is pure and may not name `{path}`", named.line));
        }
        for (name, owner) in OWNED {
            if top != *owner && named.segments[0] == *name {
                wrong.push(format!("line {}: only `{owner}` names `{name}`", named.line));
            }
        }
    }
    wrong
}

fn wrong_printing(module: &[String], source: &str) -> Vec<String> {
    if ["cli", ""].contains(&top(module)) {
        return Vec::new();
    }
    let tokens = tokens(source);
    let macros = tokens.windows(2).filter(|pair| pair[1].text == "!" && PRINTING.contains(&pair[0].text.as_str()));
    macros.map(|pair| format!("line {}: only `cli` prints, not `{}!`", pair[0].line, pair[0].text)).collect()
}

fn wrong_names(module: &[String], source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let inner = tokens.windows(2).filter(|pair| pair[0].text == "mod").map(|pair| pair[1].text.clone());
    let all = module.iter().cloned().chain(inner);
    all.filter(|name| NAMES_THAT_SAY_NOTHING.contains(&name.as_str()))
        .map(|name| format!("a module named `{name}` says nothing of what is in it"))
        .collect()
}

/// `mod.rs` and `lib.rs` hold `mod x;`, `use …;` and attributes. Anything else is reported by its first word.
fn more_than_declarations(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut wrong = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let end_of =
            |end: &str| tokens[at..].iter().position(|token| token.text == end).map_or(tokens.len(), |i| at + i + 1);
        if tokens[at].text == "#" {
            at = end_of("]");
            continue;
        }
        let item = &tokens[at..end_of(";")];
        let words: Vec<&str> = item.iter().map(|token| token.text.as_str()).collect();
        let kind = words.iter().position(|word| !["pub", "(", ")", "crate", "super", "in"].contains(word)).unwrap_or(0);
        let declares = match words[kind] {
            "mod" => words.len() == kind + 3,
            "use" => true,
            _ => false,
        };
        if !declares {
            wrong.push(format!("line {}: `{} …` does more than declare", tokens[at].line, words[kind]));
            return wrong;
        }
        at = end_of(";");
    }
    wrong
}

fn report(check: impl Fn(&Path, &[String], &str) -> Vec<String>) {
    let mut wrong = Vec::new();
    for file in sources() {
        let found = check(&file, &module_of(&file), &read(&file));
        wrong.extend(found.into_iter().map(|what| format!("{}: {what}", file.display())));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn sources() -> Vec<PathBuf> {
    let mut files = files_below("src", ".rs");
    assert!(files.len() > 50, "the sources were not found");
    // What only tests see may build its input from anywhere.
    files.retain(|file| !["tests.rs", "fixture.rs"].iter().any(|name| file.ends_with(name)));
    files
}

#[test]
fn modules_import_what_the_table_allows() {
    report(|_, module, source| wrong_imports(module, &paths(module, source)));
}

#[test]
fn crates_and_clocks_stay_where_they_belong() {
    report(|_, module, source| wrong_crates(module, &paths(module, source)));
}

#[test]
fn only_the_command_line_prints() {
    report(|_, module, source| wrong_printing(module, source));
}

#[test]
fn names_say_what_is_inside() {
    report(|_, module, source| wrong_names(module, source));
}

#[test]
fn module_files_only_declare() {
    report(|file, _, source| {
        let declares = ["mod.rs", "lib.rs"].iter().any(|name| file.ends_with(name));
        if declares { more_than_declarations(source) } else { Vec::new() }
    });
}

#[test]
fn the_checks_find_what_is_wrong() {
    let module = |name: &str| vec![name.to_owned(), "file".to_owned()];
    let imports = |name: &str, source: &str| wrong_imports(&module(name), &paths(&module(name), source)).len();
    assert_eq!(imports("load", "use crate::plan::Plan; use crate::history; crate::load::x();"), 0);
    assert_eq!(imports("load", "use crate::fleet::Fleet;"), 1);
    assert_eq!(imports("load", "fn f() { crate::record::write() }"), 1);
    assert_eq!(imports("load", "use super::super::{run, plan};"), 1);
    assert_eq!(imports("load", "use crate::*;"), 1);
    assert_eq!(imports("app", "mod tests { use crate::plan; }"), 1);
    assert_eq!(imports("newcomer", ""), 1);

    let crates = |name: &str, source: &str| wrong_crates(&module(name), &paths(&module(name), source)).len();
    assert_eq!(crates("verdict", "use std::time::Duration; use std::collections::BTreeMap; use std::fmt;"), 0);
    assert_eq!(crates("verdict", "use std::time::{Duration, Instant};"), 1);
    assert_eq!(crates("verdict", "use std::time;"), 1, "Instant could be reached through it");
    assert_eq!(crates("verdict", "use std::time::*;"), 1);
    assert_eq!(crates("session", "fn f() { std::fs::read(p); }"), 1);
    assert_eq!(crates("analysis", "use tokio::time::sleep;"), 1);
    assert_eq!(crates("record", "use std::fs;"), 0);
    assert_eq!(crates("run", "use goose::prelude::*;"), 1);
    assert_eq!(crates("load", "use goose::prelude::*;"), 0);

    assert_eq!(wrong_printing(&module("run"), "println!(\"x\"); writeln!(out, \"println!\"); // print!").len(), 1);
    assert_eq!(wrong_printing(&module("cli"), "println!(\"x\")").len(), 0);
    assert_eq!(wrong_names(&["load".into(), "util".into()], "mod helpers { }").len(), 2);

    let declares = "//! Words.\n#[cfg(test)]\nmod tests;\npub(crate) mod a;\npub use a::{B, C};\n#![allow(x)]";
    assert_eq!(more_than_declarations(declares), Vec::<String>::new());
    for more in ["pub struct A;", "mod a { fn f() {} }", "fn f() {}", "mod a;\nconst X: u8 = 1;"] {
        assert_eq!(more_than_declarations(more).len(), 1, "{more}");
    }
}
