use super::panel::Panel;
use super::tally::Tally;
use super::{Endpoint, lines, wording};
use crate::history::Observation;
use crate::report::printable;
use crate::run::{Begins, Update, Watcher};
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a run is shown while it goes on. On standard error: standard output is for the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    Panel,
    Lines,
}

impl Display {
    pub fn choose(quiet: bool) -> Display {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        if terminal && !quiet { Display::Panel } else { Display::Lines }
    }
}

const LINE_EVERY: Duration = Duration::from_secs(10);
const DRAW_EVERY: Duration = Duration::from_millis(250);

/// Shows a run from a thread of its own, so that drawing never holds up the run.
pub struct Show {
    watcher: Arc<Feed>,
    thread: JoinHandle<()>,
}

/// From the run to the screen.
struct Feed {
    updates: Mutex<Option<Sender<Update>>>,
    tally: Arc<Mutex<Tally>>,
}

impl Watcher for Feed {
    fn update(&self, update: Update) {
        if let Some(updates) = &*self.updates.lock().expect("no holder of this lock panics") {
            // A screen that is gone needs no updates.
            let _ = updates.send(update);
        }
    }

    fn requests(&self, batch: &[Observation]) {
        self.tally.lock().expect("no holder of this lock panics").take(batch);
    }
}

impl Show {
    pub fn start(display: Display) -> Show {
        let (updates, received) = channel();
        let tally = Arc::new(Mutex::new(Tally::new()));
        let watcher = Arc::new(Feed { updates: Mutex::new(Some(updates)), tally: tally.clone() });
        let thread = std::thread::spawn(move || Screen::new(display, tally).run(&received));
        Show { watcher, thread }
    }

    pub fn watcher(&self) -> Arc<dyn Watcher> {
        self.watcher.clone()
    }

    /// Serves what is shown to Prometheus, too.
    pub async fn metrics(&self, address: SocketAddr) -> io::Result<Endpoint> {
        Endpoint::open(address, self.watcher.tally.clone()).await
    }

    /// Takes the display down.
    pub fn finish(self) {
        *self.watcher.updates.lock().expect("no holder of this lock panics") = None;
        // A display that panicked is no reason to lose the run.
        let _ = self.thread.join();
    }
}

struct Screen {
    display: Display,
    panel: Option<Panel>,
    begins: Option<Begins>,
    tally: Arc<Mutex<Tally>>,
    last_line: Instant,
}

impl Screen {
    fn new(display: Display, tally: Arc<Mutex<Tally>>) -> Screen {
        Screen { display, panel: None, begins: None, tally, last_line: Instant::now() }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("no holder of this lock panics")
    }

    fn run(mut self, updates: &Receiver<Update>) {
        if self.display == Display::Panel {
            // Before the load, which turns standard output away: where the cursor is, is asked through that. Without a
            // panel the run is shown by lines.
            self.panel = Panel::open().ok();
        }
        let mut next_draw = Instant::now();
        loop {
            match updates.recv_timeout(next_draw.saturating_duration_since(Instant::now())) {
                Ok(update) => self.take(update),
                Err(RecvTimeoutError::Timeout) => {
                    self.draw();
                    next_draw = Instant::now() + DRAW_EVERY;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.close_panel();
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Doing(what) => {
                if self.begins.is_some() {
                    self.close_panel();
                }
                self.say(&format!("{what} …"));
            }
            Update::Begins(begins) => {
                let (url, directory) = (printable(&begins.url), begins.directory.display());
                self.say(&format!("load goes to {url}; results in {directory}"));
                self.last_line = begins.clock.zero();
                self.begins = Some(begins);
            }
            Update::Event(event) => {
                if let Some(text) = wording::event(&event) {
                    self.say(&format!("{}  {text}", wording::clock(event.at_us.as_secs_f64())));
                }
            }
            Update::Sample(sample) => {
                self.tally().turn(*sample);
                let due = self.last_line.elapsed() >= LINE_EVERY - Duration::from_millis(500);
                if let Some(begins) = self.begins.as_ref().filter(|_| self.panel.is_none() && due) {
                    eprintln!("{}", lines::line(begins, &self.tally()));
                    self.last_line = Instant::now();
                }
            }
        }
    }

    fn say(&mut self, text: &str) {
        let said = self.panel.as_mut().is_some_and(|panel| panel.say(text).is_ok());
        if !said {
            eprintln!("{text}");
        }
    }

    fn draw(&mut self) {
        let tally = self.tally.lock().expect("no holder of this lock panics");
        if let (Some(panel), Some(begins)) = (&mut self.panel, &self.begins)
            && panel.draw(begins, &tally).is_err()
        {
            self.panel = None;
        }
    }

    fn close_panel(&mut self) {
        if let Some(panel) = self.panel.take() {
            // The terminal is gone; there is nothing to tidy.
            let _ = panel.close();
        }
    }
}
