//! Every format is read back by a tool that was not written here: the readers are the Python programs beside this file,
//! run with the packages of `requirements.txt`, which `scripts/test` installs.

mod recorded;

use recorded::{HOSTILE, Recorded};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// One run for all tests, judged once.
static RUN: LazyLock<Recorded> = LazyLock::new(Recorded::make);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python that `need_python_packages` of scripts/lib/packages.sh sets up.
fn python() -> String {
    std::env::var("RUSHHOUR_TEST_PYTHON").expect("scripts/test sets RUSHHOUR_TEST_PYTHON, which runs the readers")
}

/// Runs a reader on the files named; it ends with 0 when all is as it should be.
fn read_with(reader: &str, arguments: &[&Path]) {
    let mut command = Command::new(python());
    command.arg(root().join("tests/formats").join(reader)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    let ended = command.env("HOSTILE", HOSTILE).output().unwrap();
    let told = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(ended.status.success(), "{reader}:\n{}", told.join("\n"));
}

#[test]
fn the_junit_file_fits_a_public_schema() {
    let schema = root().join("tests/formats/jenkins-junit.xsd");
    read_with("read_junit.py", &[&RUN.file("junit.xml"), &schema]);
}

#[test]
fn the_summary_fits_its_published_schema() {
    read_with("read_summary.py", &[&RUN.file("summary.json"), &root().join("docs/summary.schema.json")]);
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = root().join("docs/summary.schema.json");
    let schema = rushhour::report::summary_schema();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema, "docs/summary.schema.json is out of date: run `UPDATE_DOCS=1 cargo test schema`");
}

#[test]
fn the_seconds_are_read_as_csv() {
    read_with("read_csv.py", &[&RUN.file("seconds.csv")]);
}

#[test]
fn the_metrics_are_read_by_prometheus() {
    read_with("read_prometheus.py", &[&RUN.file("metrics.prom")]);
}

#[test]
fn the_queries_of_the_documents_can_be_asked() {
    read_with("ask_queries.py", &[RUN.directory(), &root().join("docs/queries.md"), &root().join("results/README.md")]);
}

#[test]
fn the_page_works_in_a_browser() {
    read_with("open_page.py", &[&RUN.file("report.html")]);
}

/// The reference deployment's template is a format, too: CloudFormation's.
#[test]
fn the_template_passes_cfn_lint() {
    read_with("lint_template.py", &[&root().join("scripts/aws/template.yaml")]);
}

#[cfg(feature = "aws")]
#[test]
fn the_template_makes_stacks_that_pass_the_audit_and_whose_instances_can_start() {
    let folder = tempfile::tempdir().unwrap();
    let (template, program) = (root().join("scripts/aws/template.yaml"), Path::new(env!("CARGO_BIN_EXE_rushhour")));
    read_with("create_stack.py", &[&template, folder.path(), program]);
    let config = |store: &str| std::fs::read_to_string(folder.path().join(format!("{store}.json"))).unwrap();
    let elasticache = config("elasticache");
    let read =
        rushhour::app::AppConfig::from_json(&elasticache).unwrap_or_else(|error| panic!("{error}: {elasticache}"));
    assert!(read.store.tls.is_some() && read.cookie.secure && !read.listen.is_loopback());
    let dynamodb = config("dynamodb");
    assert!(serde_json::from_str::<serde_json::Value>(&dynamodb).is_ok(), "{dynamodb}");
}
