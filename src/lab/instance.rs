use super::LabError;
use super::balancer::Control;
use super::certificates::Certificates;
use super::instance_config::{Users, instance_config};
use super::members::{Member, Members, Number, provider_says};
use super::store::SessionStore;
use crate::fleet::NoticeSender;
use crate::history::EventKind;
use crate::plan::LabPlan;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What every instance of a lab has in common.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) plan: LabPlan,
    pub(super) users: Users,
    /// rushhour itself, which has the application as a sub-command.
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
    pub(super) certificates: Certificates,
    pub(super) store: SessionStore,
    pub(super) control: Control,
    pub(super) members: Members,
    pub(super) notices: NoticeSender,
}

/// What is wanted of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    Live,
    /// End in good order.
    Drain,
    /// Hang until the balancer has noticed, then end.
    Freeze,
    /// End without warning.
    Kill,
    /// End at once: the lab is being shut down.
    Die,
}

/// How an instance's life went.
#[derive(Debug)]
pub(super) enum End {
    Expected,
    /// It died by itself, after it had been in service.
    Died {
        how: String,
    },
    /// It never came into service.
    NotStarted(LabError),
}

/// How often a booting instance is asked whether it is up; the resolution of that notice.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How often it is looked whether the balancer has noticed that an instance is lost.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Health checks after which the balancer must have noticed that an instance is gone.
const NOTICED_AFTER_CHECKS: u32 = 10;
/// Beyond the drain time: what the application allows its last requests and jobs, and some.
const END_WITHIN: Duration = Duration::from_secs(15);

/// The whole life of one instance, from launch until it is gone from machine and balancer.
pub(super) async fn live(around: &Surroundings, number: Number, member: &Member, wish: watch::Receiver<Wish>) -> End {
    let instance = Instance { around, number, member };
    let (mut process, stdin) = match instance.launch().await {
        Ok(started) => started,
        Err(error) => return End::NotStarted(error),
    };
    around.members.launched_as(number, process.id());
    instance.tell(|instance, zone| EventKind::InstanceLaunched { instance, zone }, Duration::ZERO);
    let end = instance.serve(&mut process, wish).await;
    // Held until here: its closing tells the instance that nobody is there any more.
    drop(stdin);
    end
}

struct Instance<'a> {
    around: &'a Surroundings,
    number: Number,
    member: &'a Member,
}

impl Instance<'_> {
    /// Starts the process. Its configuration holds secrets, so it goes through a pipe and is neither an argument nor
    /// a file.
    async fn launch(&self) -> Result<(Child, ChildStdin), LabError> {
        let Surroundings { plan, users, store, certificates, .. } = self.around;
        let config = instance_config(self.member, plan, users, store, certificates);
        let mut line = serde_json::to_vec(&config).expect("a configuration is plain data");
        line.push(b'\n');
        let log = std::fs::File::create(self.log()).map_err(LabError::io("make an instance's log"))?;
        let mut process = Command::new(&self.around.program)
            .args(["app", "--config", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(LabError::io(format!("start an instance, {} app", self.around.program.display())))?;
        let mut stdin = process.stdin.take().expect("stdin is piped");
        // When it ended before it read this, its end says more than this error.
        let _ = stdin.write_all(&line).await;
        Ok((process, stdin))
    }

    async fn serve(&self, process: &mut Child, mut wish: watch::Receiver<Wish>) -> End {
        let output = process.stdout.take().expect("stdout is piped");
        let (in_service, was_in_service) = watch::channel(false);
        let coming_up = async {
            let mut lines = BufReader::new(output).lines();
            if let Err(error) = self.come_up(&mut lines).await {
                return error;
            }
            in_service.send_replace(true);
            // Its standard output is kept open for as long as it lives.
            while let Ok(Some(_)) = lines.next_line().await {}
            std::future::pending().await
        };
        let how = tokio::select! {
            status = process.wait() => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            error = coming_up => {
                let _ = process.kill().await;
                self.gone(false);
                self.leave().await;
                return End::NotStarted(error);
            }
            wished = next_wish(&mut wish, Wish::Live) => {
                self.end(process, wished, &mut wish).await;
                return End::Expected;
            }
        };
        self.gone(false);
        self.be_missed(&mut wish).await;
        if *was_in_service.borrow() {
            End::Died { how }
        } else {
            End::NotStarted(LabError::not_started(&format!("instance {}", self.member.name), how, &self.log()))
        }
    }

    /// Brings it into the balancer and waits until it says it is up. It is registered while it boots, as an Auto
    /// Scaling group does it, so that the balancer's own checks find it as soon as it is ready.
    async fn come_up(
        &self,
        output: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    ) -> Result<(), LabError> {
        let address = loop {
            match output.next_line().await {
                Ok(Some(line)) => {
                    if let Some(address) = listening(&line) {
                        break address;
                    }
                }
                // It is ending; whoever waits for that knows more.
                Ok(None) | Err(_) => std::future::pending().await,
            }
        };
        self.around.control.add(&self.member.name, &address, self.member.weight).await?;
        self.around.members.listens_on(self.number, address.clone());
        while !is_ready(&address).await {
            sleep(ASK_EVERY).await;
        }
        self.around.members.in_service(self.number);
        self.tell(|instance, zone| EventKind::InstanceInService { instance, zone }, ASK_EVERY);
        Ok(())
    }

    /// Ends it as wished; a harsher wish comes before one that is being granted.
    async fn end(&self, process: &mut Child, mut wished: Wish, wish: &mut watch::Receiver<Wish>) {
        loop {
            let granted = async {
                match wished {
                    Wish::Live => {}
                    Wish::Drain => self.drain(process).await,
                    Wish::Freeze => self.freeze(process).await,
                    Wish::Kill | Wish::Die => drop(process.kill().await),
                }
            };
            tokio::select! {
                () = granted => break,
                next = next_wish(wish, wished) => wished = next,
            }
        }
        self.gone(true);
        if matches!(wished, Wish::Kill) {
            self.be_missed(wish).await;
        } else {
            self.leave().await;
        }
    }

    /// Makes it hang. Whoever runs instances learns of that from the balancer's health checks, and then ends it.
    async fn freeze(&self, process: &mut Child) {
        signal(process, Signal::SIGSTOP);
        self.tell(|instance, zone| EventKind::InstanceFrozen { instance, zone }, Duration::ZERO);
        while self.around.members.is_healthy(self.number) {
            sleep(LOOK_EVERY).await;
        }
        let _ = process.kill().await;
    }

    /// It ended without warning: the balancer has to find that out by its health checks, and only then is it removed
    /// there.
    async fn be_missed(&self, wish: &mut watch::Receiver<Wish>) {
        let noticed = async {
            while self.around.members.is_healthy(self.number) {
                sleep(LOOK_EVERY).await;
            }
        };
        let within = NOTICED_AFTER_CHECKS * self.around.plan.health_interval;
        tokio::select! {
            () = noticed => {}
            () = sleep(within) => self.trouble(format!(
                "the balancer did not notice within {:.0} s that {} is gone", within.as_secs_f64(), self.member.name
            )),
            // The lab is shut down: the balancer goes as well.
            _ = next_wish(wish, Wish::Kill) => return,
        }
        self.leave().await;
    }

    /// First the balancer stops sending, then the instance is told to end; it goes on answering while it drains.
    async fn drain(&self, process: &mut Child) {
        self.tell(|instance, zone| EventKind::InstanceDraining { instance, zone }, Duration::ZERO);
        if let Err(error) = self.around.control.drain(&self.member.name).await {
            self.trouble(format!("{} cannot be drained at the balancer: {error}", self.member.name));
        }
        signal(process, Signal::SIGTERM);
        if timeout(self.around.plan.drain + END_WITHIN, process.wait()).await.is_err() {
            self.trouble(format!("{} did not end when drained and is killed", self.member.name));
            let _ = process.kill().await;
        }
    }

    fn gone(&self, expected: bool) {
        self.around.members.launched_as(self.number, None);
        self.tell(|instance, zone| EventKind::InstanceGone { instance, zone, expected }, Duration::ZERO);
    }

    async fn leave(&self) {
        if let Err(error) = self.around.control.delete(&self.member.name).await {
            self.trouble(format!("{} cannot be removed from the balancer: {error}", self.member.name));
        }
    }

    fn log(&self) -> PathBuf {
        self.around.directory.join(format!("{}.log", self.member.name))
    }

    fn tell(&self, event: impl FnOnce(String, String) -> EventKind, resolution: Duration) {
        let event = event(self.member.name.clone(), self.member.zone.clone());
        let _ = self.around.notices.send(provider_says(event, resolution));
    }

    fn trouble(&self, what: String) {
        let _ = self.around.notices.send(provider_says(EventKind::Trouble { what }, Duration::ZERO));
    }
}

fn signal(process: &Child, signal: Signal) {
    if let Some(pid) = process.id() {
        // Not waited for yet, so the number is still its own.
        let _ = kill(Pid::from_raw(pid as i32), signal);
    }
}

/// Waits for a harsher wish than this.
async fn next_wish(wish: &mut watch::Receiver<Wish>, than: Wish) -> Wish {
    match wish.wait_for(|wished| *wished > than).await {
        Ok(wished) => *wished,
        // Whoever could wish is gone.
        Err(_) => Wish::Die,
    }
}

/// The address in the line with which the application says that it listens.
fn listening(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line.get("listening")?.as_str()?.to_owned())
}

/// Asks the instance itself, past the balancer, whether it is ready to serve.
async fn is_ready(address: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<bool, std::io::Error>(&status == b"HTTP/1.1 200")
    };
    matches!(timeout(Duration::from_secs(1), ask).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_that_says_so() {
        assert_eq!(listening(r#"{"listening":"127.0.0.1:4321"}"#).as_deref(), Some("127.0.0.1:4321"));
        for line in ["", "ready", "{}", r#"{"listening":4321}"#] {
            assert_eq!(listening(line), None, "{line}");
        }
    }
}
