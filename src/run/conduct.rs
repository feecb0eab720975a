use super::afterwards;
use super::error::RunError;
use super::happened::Happened;
use super::limits::raise_descriptors;
use super::sampling::Sampler;
use super::timeline::Player;
use super::update::{Begins, Stop, StopSignal, Update, Watcher};
use crate::fleet::{Fleet, Observed};
use crate::history::{EventKind, EventSource, Fingerprinter, Machine, Names, Notice, Offset, Origin, RunClock};
use crate::lab::{Lab, LabOptions};
use crate::load::{self, Load, LoadOptions};
use crate::plan::{FleetPlan, Plan, Secret, StoreAccess, Unrecorded};
use crate::record::{Ending, FORMAT_VERSION, Manifest, RecordOutcome, Recorder, RecorderOptions, RunDirectory};
use crate::store::{self, Probe};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{mpsc, watch};

/// From the start of the load threads to the run's zero: slots are made in it.
const LEAD: Duration = Duration::from_millis(1500);

pub struct RunOptions {
    pub plan: Plan,
    pub unrecorded: Unrecorded,
    /// Where run directories are kept.
    pub results: PathBuf,
    /// This program, which the lab starts its instances from.
    pub program: PathBuf,
    pub load_threads: usize,
    pub stop: StopSignal,
    pub watcher: Arc<dyn Watcher>,
}

/// A run that has ended, one way or another.
pub struct Conducted {
    pub directory: RunDirectory,
    pub ending: Ending,
    /// What could not be added to the record afterwards.
    pub trouble: Vec<String>,
}

/// Runs a plan from set-up to tear-down.
///
/// # Errors
/// When the run could not begin. Nothing is left running then, either.
pub async fn conduct(options: RunOptions) -> Result<Conducted, RunError> {
    let plan = Arc::new(options.plan.clone());
    raise_descriptors(&plan)?;
    RunDirectory::check_writable(&options.results)?;
    let (notices, heard) = mpsc::unbounded_channel();
    let mut stop = options.stop.clone();
    let password = Secret::new(format!("{:032x}", rand::random::<u128>()));
    let fleet = tokio::select! {
        fleet = start_fleet(&options, &plan, password.clone(), notices.clone()) => fleet?,
        () = asked_to_stop(&mut stop) => return Err(RunError::Interrupted),
    };
    let mut outcome = run_load(&options, plan, &*fleet, password, (notices, heard)).await;
    options.watcher.update(Update::Doing("taking the fleet down".to_owned()));
    fleet.shut_down().await;
    if let Ok(conducted) = &mut outcome {
        conducted.trouble = afterwards::gather(&conducted.directory, &stop, &*options.watcher).await;
    }
    outcome
}

pub(super) async fn asked_to_stop(stop: &mut StopSignal) {
    // Without anybody left to ask, nobody will.
    if stop.wait_for(|stop| *stop == Stop::Asked).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn start_fleet(
    options: &RunOptions,
    plan: &Plan,
    password: Secret,
    notices: mpsc::UnboundedSender<Notice>,
) -> Result<Box<dyn Fleet>, RunError> {
    let say = |what: &str| options.watcher.update(Update::Doing(what.to_owned()));
    match &plan.fleet {
        FleetPlan::Observe { .. } => Ok(Box::new(Observed)),
        #[cfg(feature = "aws")]
        FleetPlan::Aws(aws) => {
            say("looking for the fleet in AWS");
            Ok(Box::new(crate::fleet::aws::Aws::start(aws, &plan.timeline, notices).await?))
        }
        #[cfg(not(feature = "aws"))]
        FleetPlan::Aws(_) => unreachable!("a profile with it is an error in this build"),
        FleetPlan::Lab(lab) => {
            say("starting the lab: its store, HAProxy and the first instances");
            let lab_options = LabOptions {
                program: options.program.clone(),
                user_prefix: options.unrecorded.feeder.lab_prefix().to_owned(),
                password,
            };
            Ok(Box::new(Lab::start(lab, lab_options, notices).await?))
        }
    }
}

type Notices = (mpsc::UnboundedSender<Notice>, mpsc::UnboundedReceiver<Notice>);

async fn run_load(
    options: &RunOptions,
    plan: Arc<Plan>,
    fleet: &dyn Fleet,
    password: Secret,
    (notices, mut heard): Notices,
) -> Result<Conducted, RunError> {
    let url = plan.target.url.clone().or_else(|| fleet.url()).ok_or(RunError::NoUrl)?;
    let plan = match fleet.target_ca() {
        Some(ca) if plan.target.ca_file.is_none() => {
            let mut trusting = (*plan).clone();
            trusting.target.ca_file = Some(ca);
            Arc::new(trusting)
        }
        _ => plan,
    };
    load::probe(&plan, &url).await?;
    let store = store_of(options, fleet).await?;

    let directory = RunDirectory::create(&options.results, &plan.name, SystemTime::now())?;
    fleet.recorded_in(directory.path());
    let names = Names::default();
    let recorder = Recorder::start(&directory, &plan, names.clone(), RecorderOptions::default())?;
    let clock = RunClock::starting_in(LEAD);
    let watcher = options.watcher.clone();
    let batches = recorder.batches();
    let mut load = Load::start(LoadOptions {
        plan: plan.clone(),
        feeder: options.unrecorded.feeder.clone().build(password),
        fingerprints: Fingerprinter::new(&rand::random()),
        url: url.clone(),
        clock,
        names: names.clone(),
        threads: options.load_threads,
        sink: Arc::new(move |batch| {
            watcher.requests(&batch);
            batches.send(batch);
        }),
        notices: notices.clone(),
    })?;
    let mut manifest = manifest(&options.plan, &directory, clock, load.threads());
    manifest.write(&directory)?;
    options.watcher.update(Update::Begins(Begins {
        plan: plan.clone(),
        clock,
        names,
        url,
        directory: directory.path().to_owned(),
    }));

    let (happened, so_far) = watch::channel(Happened::default());
    let teller = Teller { clock, recorder: &recorder, watcher: &*options.watcher, happened };
    let probe = store.map(|access| Probe::start(&access, clock, notices.clone()));
    let player = Player { fleet, clock, notices, happened: so_far };
    let stage = Stage { plan: &plan, fleet, probe: probe.as_ref(), teller: &teller };
    let mut ending = stage.watch_over(&mut load, &mut heard, &player, options.stop.clone()).await;
    if let Err(error) = load.finish().await {
        ending.failure.get_or_insert(error.to_string());
    }
    if let Some(probe) = probe {
        probe.finish().await;
    }
    fleet.put_back().await;
    while let Ok(notice) = heard.try_recv() {
        teller.tell(notice);
    }
    let produced = recorder.offered();
    let RecordOutcome { recorded, lost: _, error } = recorder.finish();
    let ending = Ending { observations: produced, recorded, record_error: error, ..ending };
    manifest.ending = Some(ending.clone());
    // Without room for it the run is judged by the ending in hand; what was recorded before stays readable.
    let unwritten = manifest.write(&directory).err();
    let ending = Ending { record_error: ending.record_error.or(unwritten.map(|error| error.to_string())), ..ending };
    Ok(Conducted { directory, ending, trouble: Vec::new() })
}

/// The store to watch: the one that the profile names, once it is known that it can be, or the fleet's own.
async fn store_of(options: &RunOptions, fleet: &dyn Fleet) -> Result<Option<StoreAccess>, RunError> {
    let Some(named) = &options.unrecorded.store else { return Ok(fleet.store()) };
    let found = store::reach(named).await?;
    store::rehearse(&found).await?;
    Ok(Some(StoreAccess::Redis(found)))
}

fn manifest(plan: &Plan, directory: &RunDirectory, clock: RunClock, threads: usize) -> Manifest {
    let zero = OffsetDateTime::from(clock.zero_wall());
    Manifest {
        format_version: FORMAT_VERSION,
        origin: Origin {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: directory.run_id(),
            zero_at: zero.format(&Rfc3339).unwrap_or_default(),
            zero_unix_us: (zero.unix_timestamp_nanos() / 1000) as i64,
            machine: Machine::this(),
            load_threads: threads as u32,
            pacer: load::pacer_name(plan, threads),
        },
        plan: plan.clone(),
        ending: None,
    }
}

/// What goes on while there is load.
struct Stage<'a> {
    plan: &'a Plan,
    fleet: &'a dyn Fleet,
    probe: Option<&'a Probe>,
    teller: &'a Teller<'a>,
}

impl Stage<'_> {
    /// Plays the timeline and records events and gauges until the load is done, is asked to stop, or fails.
    async fn watch_over(
        &self,
        load: &mut Load,
        heard: &mut mpsc::UnboundedReceiver<Notice>,
        player: &Player<'_>,
        mut stop: StopSignal,
    ) -> Ending {
        let Teller { clock, recorder, watcher, .. } = *self.teller;
        let mut timeline = std::pin::pin!(player.play(&self.plan.timeline));
        let mut played = false;
        let gauges = load.gauges();
        let mut sampler = Sampler::new(gauges.clone(), clock);
        let curve_end = clock.instant(Offset::ZERO + self.plan.workload.curve.duration());
        let last_moment = curve_end + self.plan.workload.grace;
        let mut seconds = tokio::time::interval_at(clock.zero().into(), Duration::from_secs(1));
        let mut looks = tokio::time::interval_at(curve_end.into(), Duration::from_millis(50));
        let started = Notice { at: clock.zero(), ..Notice::now(EventSource::Run, EventKind::LoadStarted) };
        self.teller.tell(started);
        let mut ending = Ending::default();
        loop {
            tokio::select! {
                Some(notice) = heard.recv() => self.teller.tell(notice),
                ended = &mut timeline, if !played => {
                    played = true;
                    if let Err(failure) = ended {
                        ending.failure = Some(failure);
                        break;
                    }
                }
                _ = seconds.tick() => {
                    let sample = sampler.sample(recorder, self.fleet, self.probe);
                    recorder.sample(&sample);
                    watcher.update(Update::Sample(Box::new(sample)));
                    if let Some(error) = recorder.failed() {
                        ending.failure = Some(format!("recording failed: {error}"));
                        break;
                    }
                }
                _ = looks.tick() => {
                    // The load ends with its curve; what comes after is sessions on their way out.
                    if ending.load_end_us == 0 {
                        self.end_load(&mut ending);
                    }
                    if gauges.drained() || tokio::time::Instant::now() >= last_moment.into() {
                        break;
                    }
                }
                () = asked_to_stop(&mut stop) => {
                    ending.interrupted = true;
                    self.teller.tell(Notice::now(EventSource::Run, EventKind::Interrupted));
                    break;
                }
                error = load.failed() => {
                    ending.failure = Some(error.to_string());
                    break;
                }
            }
        }
        if ending.load_end_us == 0 {
            self.end_load(&mut ending);
        }
        let sample = sampler.sample(recorder, self.fleet, self.probe);
        recorder.sample(&sample);
        ending
    }

    fn end_load(&self, ending: &mut Ending) {
        let clock = self.teller.clock;
        ending.load_end_us = clock.now().min(Offset::ZERO + self.plan.workload.curve.duration()).0;
        let at = clock.instant(Offset(ending.load_end_us));
        let ended = Notice { at, ..Notice::now(EventSource::Run, EventKind::LoadEnded) };
        self.teller.tell(ended);
    }
}

/// Stamps what happened and tells it to all who need to know.
struct Teller<'a> {
    clock: RunClock,
    recorder: &'a Recorder,
    watcher: &'a dyn Watcher,
    happened: watch::Sender<Happened>,
}

impl Teller<'_> {
    fn tell(&self, notice: Notice) {
        let event = notice.stamped(&self.clock);
        self.recorder.event(&event);
        self.happened.send_modify(|happened| happened.note(&event.kind));
        self.watcher.update(Update::Event(event));
    }
}
