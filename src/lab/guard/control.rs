use super::super::LabError;
use super::protocol::{Order, Report};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// The tool's end of a guard process. Dropping it ends the lab as surely as [`Guard::close`], only without waiting.
#[derive(Debug)]
pub(in crate::lab) struct Guard {
    process: Child,
    runner: Runner,
}

/// Has a guard run programs. The guard is there until all its runners are gone.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Runner {
    orders: mpsc::UnboundedSender<Order>,
    directory: PathBuf,
    daemons: Daemons,
}

/// The state of each daemon, by name.
type Daemons = Arc<Mutex<HashMap<String, watch::Sender<State>>>>;

#[derive(Clone, Debug)]
enum State {
    Ordered,
    Running { pid: u32 },
    Ended { how: String },
}

/// A program that the guard runs.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Daemon {
    name: String,
    program: PathBuf,
    args: Vec<String>,
    log: PathBuf,
    state: watch::Receiver<State>,
}

const GUARD_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

impl Guard {
    /// `program` is rushhour itself, which has the guard as a sub-command.
    pub(in crate::lab) async fn start(program: &Path) -> Result<Guard, LabError> {
        let failed = |source| LabError::Io { what: format!("start the lab's guard, {}", program.display()), source };
        let mut process = Command::new(program)
            .arg("guard")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // A Ctrl-C on the terminal is for the tool, which then takes the lab down in order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let stdin = process.stdin.take().expect("stdin is piped");
        let mut reports = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let first = timeout(GUARD_ANSWERS_WITHIN, reports.next_line()).await.ok().and_then(Result::ok).flatten();
        let Some(Report::Directory(directory)) = first.as_deref().and_then(|line| serde_json::from_str(line).ok())
        else {
            return Err(LabError::NotStarted {
                program: "the lab's guard".to_owned(),
                reason: "it did not name the lab's directory".to_owned(),
                log: String::new(),
            });
        };
        let (orders, queue) = mpsc::unbounded_channel();
        let daemons = Daemons::default();
        tokio::spawn(pass_on(queue, stdin));
        tokio::spawn(follow(reports, daemons.clone()));
        Ok(Guard { process, runner: Runner { orders, directory, daemons } })
    }

    pub(in crate::lab) fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Ends everything the guard runs, removes the directory, and returns when that is done. All other runners must
    /// be gone, or it would wait for them.
    pub(in crate::lab) async fn close(self) {
        let Guard { mut process, runner } = self;
        drop(runner);
        if timeout(GUARD_ANSWERS_WITHIN, process.wait()).await.is_err() {
            log::warn!("the lab's guard takes long to end; it goes on by itself");
        }
    }
}

impl Runner {
    /// The lab's directory: mode 0700, removed with the lab.
    pub(in crate::lab) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Has a program started; its output goes to `NAME.log` in the lab's directory.
    pub(in crate::lab) fn run(&self, name: &str, program: &Path, args: Vec<String>) -> Daemon {
        let log = self.directory.join(format!("{name}.log"));
        let (state, watched) = watch::channel(State::Ordered);
        self.daemons.lock().expect("no holder of this lock panics").insert(name.to_owned(), state);
        let daemon = Daemon { name: name.to_owned(), program: program.to_owned(), args, log, state: watched };
        self.order_start(&daemon);
        daemon
    }

    /// Has a program that ended started again.
    pub(in crate::lab) fn restart(&self, daemon: &Daemon) {
        enter(&self.daemons, &daemon.name, State::Ordered);
        self.order_start(daemon);
    }

    fn order_start(&self, daemon: &Daemon) {
        let Daemon { name, program, args, log, .. } = daemon.clone();
        self.order(Order::Start { name, program, args, log }, &daemon.name);
    }

    pub(in crate::lab) fn kill(&self, name: &str) {
        self.order(Order::Kill { name: name.to_owned() }, name);
    }

    pub(in crate::lab) fn freeze(&self, name: &str) {
        self.order(Order::Freeze { name: name.to_owned() }, name);
    }

    pub(in crate::lab) fn thaw(&self, name: &str) {
        self.order(Order::Thaw { name: name.to_owned() }, name);
    }

    fn order(&self, order: Order, name: &str) {
        if self.orders.send(order).is_err() {
            enter(&self.daemons, name, State::Ended { how: "the lab's guard is gone".to_owned() });
        }
    }
}

/// Writes orders to the guard until there are no more to come; then its standard input is closed.
async fn pass_on(mut queue: mpsc::UnboundedReceiver<Order>, mut guard: ChildStdin) {
    while let Some(order) = queue.recv().await {
        let mut line = serde_json::to_vec(&order).expect("an order is plain data");
        line.push(b'\n');
        if guard.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn follow(mut reports: Lines<BufReader<ChildStdout>>, daemons: Daemons) {
    while let Ok(Some(line)) = reports.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Report::Started { name, pid }) => {
                enter(&daemons, &name, State::Running { pid });
            }
            Ok(Report::NotStarted { name, reason }) => enter(&daemons, &name, State::Ended { how: reason }),
            Ok(Report::Ended { name, how }) => enter(&daemons, &name, State::Ended { how }),
            Ok(Report::Directory(_)) => {}
            Err(error) => log::warn!("the lab's guard said something strange: {error}"),
        }
    }
    for state in daemons.lock().expect("no holder of this lock panics").values() {
        state.send_replace(State::Ended { how: "the lab's guard is gone".to_owned() });
    }
}

fn enter(daemons: &Daemons, name: &str, next: State) {
    if let Some(state) = daemons.lock().expect("no holder of this lock panics").get(name) {
        state.send_replace(next);
    }
}

impl Daemon {
    pub(in crate::lab) fn name(&self) -> &str {
        &self.name
    }

    /// Its process number, while it runs.
    pub(in crate::lab) fn pid(&self) -> Option<u32> {
        match *self.state.borrow() {
            State::Running { pid } => Some(pid),
            State::Ordered | State::Ended { .. } => None,
        }
    }

    /// Waits until it runs (again). The guard's end ends everything, so there is no waiting beyond that.
    pub(in crate::lab) async fn runs(&mut self) {
        let _ = self.state.wait_for(|state| matches!(state, State::Running { .. })).await;
    }

    /// Waits for its end and says how it ended.
    pub(in crate::lab) async fn ended(&mut self) -> String {
        match self.state.wait_for(|state| matches!(state, State::Ended { .. })).await.as_deref() {
            Ok(State::Ended { how }) => how.clone(),
            _ => "the lab's guard is gone".to_owned(),
        }
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// [`LabError::NotStarted`], with the end of its log, when it ended or `within` passed before that.
    pub(in crate::lab) async fn until(
        &self,
        ready: impl Future<Output = ()>,
        within: Duration,
    ) -> Result<(), LabError> {
        let mut watched = self.clone();
        let reason = tokio::select! {
            result = timeout(within, ready) => match result {
                Ok(()) => return Ok(()),
                Err(_) => format!("it was not ready within {} s", within.as_secs()),
            },
            how = watched.ended() => how,
        };
        Err(LabError::not_started(&self.name, reason, &self.log))
    }
}
