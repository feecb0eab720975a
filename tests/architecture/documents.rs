//! What the documents name must exist: files, scripts, profiles, commands and their options.

use super::{files_below, read, root};
use regex::Regex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md"].map(PathBuf::from).to_vec();
    documents.extend(files_below("docs", ".md"));
    documents
}

/// Targets of links inside the repository, without their fragments.
fn links(markdown: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)#\s]+)[^)]*\)").expect("the pattern is right");
    let targets = link.captures_iter(markdown).map(|found| found[1].to_owned());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// Lines of the blocks that are marked as shell, without prompts and comments.
fn commands(markdown: &str) -> Vec<String> {
    let block = Regex::new(r"(?ms)^```(?:sh|bash|console)\n(.*?)^```").expect("the pattern is right");
    let lines = block.captures_iter(markdown).flat_map(|found| {
        let joined = found[1].replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines
        .map(|line| line.trim().trim_start_matches("$ ").split(" #").next().unwrap_or_default().trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// Paths in the repository that a text names, in whatever surroundings.
fn named_files(text: &str) -> Vec<String> {
    let path = Regex::new(r"(?:^|[\s`(])((?:profiles|scripts|\.ci)/[\w./-]*\w)").expect("the pattern is right");
    path.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The arguments that a command line hands to rushhour, if it runs it.
fn rushhour_arguments(line: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let program = |word: &&str| word.rsplit('/').next() == Some("rushhour");
    match words.as_slice() {
        [first, rest @ ..] if program(first) => Some(rest.to_vec()),
        ["cargo", "run", ..] => words.iter().position(|word| *word == "--").map(|at| words[at + 1..].to_vec()),
        _ => None,
    }
}

/// What `rushhour [SUBCOMMAND…] --help` prints, or why it does not.
fn help_of(subcommand: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_rushhour"))
        .args(subcommand)
        .arg("--help")
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Options that the command named by these arguments does not have. `help` gives a command's help.
fn wrong_options(arguments: &[&str], help: impl Fn(&[&str]) -> Result<String, String>) -> Vec<String> {
    let depth = if arguments.first() == Some(&"lab") { 2 } else { 1 };
    let subcommand: Vec<&str> =
        arguments.iter().copied().take_while(|word| !word.starts_with('-')).take(depth).collect();
    let help = match help(&subcommand) {
        Ok(help) => help,
        Err(error) => return vec![format!("`rushhour {}` is not a command: {error}", subcommand.join(" "))],
    };
    let options =
        arguments.iter().filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap_or(word));
    let known = |option: &str| help.split(|c: char| c.is_whitespace() || ",=[]".contains(c)).any(|word| word == option);
    options
        .filter(|option| !known(option))
        .map(|option| format!("`rushhour {}` has no option {option}", subcommand.join(" ")))
        .collect()
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn fail_if_any(wrong: &BTreeMap<PathBuf, Vec<String>>) {
    let lines: Vec<String> = wrong
        .iter()
        .flat_map(|(file, what)| what.iter().map(move |what| format!("{}: {what}", file.display())))
        .collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn links_and_files_named_exist() {
    let mut wrong = BTreeMap::new();
    for document in documents() {
        let text = read(&document);
        let beside = root().join(document.parent().unwrap_or(Path::new("")));
        let links = links(&text).into_iter().filter(|target| !beside.join(target).exists());
        let named = named_files(&text).into_iter().filter(|path| !root().join(path).exists());
        wrong.insert(document, links.chain(named).map(|path| format!("{path} does not exist")).collect());
    }
    fail_if_any(&wrong);
}

#[test]
fn commands_shown_can_be_run() {
    let mut wrong = BTreeMap::new();
    let mut shown = 0;
    for document in documents() {
        let mut found = Vec::new();
        for line in commands(&read(&document)) {
            let first = line.split_whitespace().next().unwrap_or_default();
            if first.starts_with("scripts/") || first.starts_with(".ci/") {
                shown += 1;
                if !is_executable(&root().join(first)) {
                    found.push(format!("{first} is not an executable file"));
                }
            }
            if let Some(arguments) = rushhour_arguments(&line) {
                shown += 1;
                found.extend(wrong_options(&arguments, help_of));
            }
        }
        wrong.insert(document, found);
    }
    assert!(shown > 4, "the commands were not found");
    fail_if_any(&wrong);
}

#[test]
fn the_two_commands_lead_the_readme() {
    let commands = commands(&read(Path::new("README.md")));
    assert_eq!(commands[..2], ["scripts/quickstart", "scripts/test"]);
}

#[test]
fn the_checks_find_what_is_wrong() {
    assert_eq!(links("[a](docs/a.md#part) [b](https://example.com/) [c](x.md)"), ["docs/a.md", "x.md"]);
    assert_eq!(
        named_files("run `profiles/a.toml`, (scripts/b) or results/profiles/c"),
        ["profiles/a.toml", "scripts/b"]
    );
    let markdown = "```sh\n# first\nscripts/a   # why\n$ b \\\n  --c\n```\n```toml\nkey = 1\n```\n";
    assert_eq!(commands(markdown).iter().map(|c| c.split_whitespace().count()).collect::<Vec<_>>(), [1, 2]);

    assert_eq!(rushhour_arguments("target/release/rushhour run p"), Some(vec!["run", "p"]));
    assert_eq!(rushhour_arguments("cargo run --release -- check p"), Some(vec!["check", "p"]));
    assert_eq!(rushhour_arguments("cargo test"), None);

    let help = |subcommand: &[&str]| match subcommand {
        ["run"] | ["lab", "up"] => Ok("  -q, --quiet\n      --set <KEY=VALUE>".to_owned()),
        _ => Err("unrecognized".to_owned()),
    };
    assert!(wrong_options(&["run", "p.toml", "--set", "a=b", "-q", "--quiet"], help).is_empty());
    assert!(wrong_options(&["lab", "up", "--quiet"], help).is_empty());
    assert_eq!(wrong_options(&["run", "p.toml", "--sets=1", "--qui"], help).len(), 2);
    assert_eq!(wrong_options(&["walk", "p.toml"], help).len(), 1);
    assert!(is_executable(&root().join("scripts/quickstart")) && !is_executable(&root().join("README.md")));
}
