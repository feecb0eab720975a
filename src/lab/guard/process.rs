use super::protocol::{Order, Report};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

type Children = Mutex<Vec<(String, Child)>>;

/// How often it looks whether a child has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The body of the guard process: takes orders from `orders` until they end, then leaves nothing behind.
///
/// # Errors
/// The temporary directory cannot be made, or cannot be removed.
pub fn run(orders: impl BufRead) -> io::Result<()> {
    let directory =
        tempfile::Builder::new().prefix("rushhour-lab-").permissions(Permissions::from_mode(0o700)).tempdir()?;
    tell(&Report::Directory(directory.path().to_owned()));

    let children = Arc::new(Children::default());
    let watched = Arc::downgrade(&children);
    thread::spawn(move || report_ends(&watched));

    // A read error is as good as the end: nobody is there any more.
    for line in orders.lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(order) => carry_out(order, &children),
            Err(error) => log::warn!("the guard was told something strange: {error}"),
        }
    }

    let mut children = children.lock().expect("no holder of this lock panics");
    for (_, child) in children.iter_mut() {
        let _ = child.kill();
    }
    for (_, child) in children.iter_mut() {
        let _ = child.wait();
    }
    directory.close()
}

fn carry_out(order: Order, children: &Children) {
    let mut children = children.lock().expect("no holder of this lock panics");
    match order {
        Order::Start { name, program, args, log } => {
            let started = OpenOptions::new().create(true).append(true).open(log).and_then(|log| {
                Command::new(program).args(args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
            });
            match started {
                Ok(child) => {
                    tell(&Report::Started { name: name.clone(), pid: child.id() });
                    children.push((name, child));
                }
                Err(error) => tell(&Report::NotStarted { name, reason: error.to_string() }),
            }
        }
        // Its end is reported like any other.
        Order::Kill { name } => {
            for (_, child) in children.iter_mut().filter(|(known, _)| *known == name) {
                let _ = child.kill();
            }
        }
        Order::Freeze { name } => signal(&children, &name, Signal::SIGSTOP),
        Order::Thaw { name } => signal(&children, &name, Signal::SIGCONT),
    }
}

/// Children in the list have not been waited for, so their numbers are still their own.
fn signal(children: &[(String, Child)], name: &str, signal: Signal) {
    for (_, child) in children.iter().filter(|(known, _)| known == name) {
        let _ = kill(Pid::from_raw(child.id() as i32), signal);
    }
}

/// Tells of children that ended by themselves, for as long as the guard takes orders.
fn report_ends(children: &Weak<Children>) {
    while let Some(children) = children.upgrade() {
        children.lock().expect("no holder of this lock panics").retain_mut(|(name, child)| match child.try_wait() {
            Ok(Some(status)) => {
                tell(&Report::Ended { name: name.clone(), how: status.to_string() });
                false
            }
            Ok(None) | Err(_) => true,
        });
        drop(children);
        thread::sleep(LOOK_EVERY);
    }
}

/// A tool that is gone does not listen; that is what the end of the orders is for.
fn tell(report: &Report) {
    let mut line = serde_json::to_vec(report).expect("a report is plain data");
    line.push(b'\n');
    let _ = io::stdout().lock().write_all(&line);
}
