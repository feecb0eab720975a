use crate::fleet::Fleet;
use crate::history::{RunClock, Sample};
use crate::load::LoadGauges;
use crate::record::Recorder;
use crate::store::Probe;
use nix::sys::resource::{UsageWho, getrusage};
use std::time::{Duration, Instant};

/// Reads all gauges, once a second.
pub struct Sampler {
    gauges: LoadGauges,
    clock: RunClock,
    last: Instant,
    last_cpu: Vec<Duration>,
}

impl Sampler {
    pub fn new(gauges: LoadGauges, clock: RunClock) -> Sampler {
        Sampler { last_cpu: gauges.thread_cpu(), last: Instant::now(), gauges, clock }
    }

    pub fn sample(&mut self, recorder: &Recorder, fleet: &dyn Fleet, probe: Option<&Probe>) -> Sample {
        let mut generator = self.gauges.read();
        let (now, cpu) = (Instant::now(), self.gauges.thread_cpu());
        let elapsed = now.duration_since(self.last).as_secs_f64().max(1e-3);
        let busy = |(now, before): (&Duration, &Duration)| now.saturating_sub(*before).as_secs_f64() / elapsed;
        generator.load_thread_busy = cpu.iter().zip(&self.last_cpu).map(busy).fold(0.0, f64::max);
        (self.last, self.last_cpu) = (now, cpu);
        generator.cpu_seconds = process_cpu().as_secs_f64();
        generator.memory_bytes = resident_bytes();
        generator.observations = recorder.offered();
        generator.observations_lost = recorder.lost();
        let (fleet, store) = (fleet.gauges(), probe.map(Probe::gauges));
        Sample { at_us: self.clock.now(), generator, fleet, store }
    }
}

fn process_cpu() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let micros =
        |time: nix::sys::time::TimeVal| Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()) as u64);
    micros(usage.user_time()) + micros(usage.system_time())
}

/// Resident memory now; 0 where the system does not tell it in /proc.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = resident.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
