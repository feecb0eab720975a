use std::sync::{Arc, Mutex};

/// A short stand-in for a name (an instance, a zone, a balancer address) that repeats in every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u16);

/// Names met during a run, numbered in order of first sight. Producers keep a cache of their own and
/// come here only for a name they have not met, so the lock is not on the hot path.
#[derive(Clone, Debug, Default)]
pub struct Names {
    list: Arc<Mutex<Vec<Arc<str>>>>,
}

impl Names {
    /// Names come from responses: past this many, or past this length, they are not believed.
    const MOST: usize = 4096;
    const LONGEST: usize = 128;
    const TOO_MANY: &'static str = "(too many names)";

    /// The id of `name`, adding it at first sight.
    pub fn id(&self, name: &str) -> NameId {
        let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= Self::LONGEST);
        let name = &name[..end.last().unwrap_or(0)];
        let mut list = self.list.lock().expect("no holder of this lock panics");
        let name =
            if list.len() >= Self::MOST - 1 && !list.iter().any(|n| &**n == name) { Self::TOO_MANY } else { name };
        let at = list.iter().position(|n| &**n == name).unwrap_or_else(|| {
            list.push(name.into());
            list.len() - 1
        });
        NameId(at as u16)
    }

    pub fn name(&self, id: NameId) -> Arc<str> {
        let list = self.list.lock().expect("no holder of this lock panics");
        list[id.0 as usize].clone()
    }

    /// All names so far, in order of their ids.
    pub fn all(&self) -> Vec<Arc<str>> {
        self.list.lock().expect("no holder of this lock panics").clone()
    }
}
