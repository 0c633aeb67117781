//! A refused body (truncated, slow or malformed) -> the groups that it names, which are told.

use std::{fmt, sync::Arc, time::Duration};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::{
    AppState,
    error::ApiError,
    rendezvous::{self, MemberIdentity, RefusedMember},
    settings::{LONGEST_DEADLINE, MOST_MEMBERS},
};

/// The fields about its group that a refused body still shows, before the point at which it breaks.
#[derive(Default)]
struct GroupHint {
    group: Option<String>,
    size: Option<usize>,
    who: Option<MemberIdentity>,
    deadline: Option<Duration>,
    prompts: Vec<Value>,
    labels: Vec<Value>,
}

/// Tells the groups that are named in a refused body of `route` that this member will not come.
pub(crate) fn tell(server: &Arc<AppState>, route: &str, body: &[u8], error: &ApiError) {
    let mut named = GroupHint::default();
    // The parse error is what the body was refused for; fields read before it are used.
    (&mut named).deserialize(&mut serde_json::Deserializer::from_slice(body)).ok();
    let settings = &server.settings;
    let absentee = |key: String, who: MemberIdentity| RefusedMember {
        key,
        size: named.size.or(settings.group_size),
        who,
        deadline: named.deadline.unwrap_or(settings.deadline),
    };
    // A member without a name is identified by the hash of its body, so that retries do not count as several members.
    let nameless = |sample: usize| MemberIdentity::Request(format!("{sample} {}", blake3::hash(body).to_hex()));
    match (route, &named.group) {
        ("/v1/groups", Some(group)) => {
            let who = named.who.clone().unwrap_or_else(|| nameless(0));
            rendezvous::refuse(server, absentee(group.clone(), who), error);
        }
        ("/get_reward", _) => {
            for (i, prompt) in named.prompts.iter().enumerate() {
                let label = named.labels.get(i).filter(|label| !label.is_null());
                if let Some(Ok(key)) = prompt.as_str().map(|prompt| settings.open_rlhf_group(prompt, label)) {
                    rendezvous::refuse(server, absentee(key, nameless(i)), error);
                }
            }
        }
        _ => {}
    }
}

impl<'de> DeserializeSeed<'de> for &mut GroupHint {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut GroupHint {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let list = |value: Value| if let Value::Array(list) = value { list } else { Vec::new() };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "group" => self.group = text(&map.next_value()?),
                "size" => {
                    let size = map.next_value::<Value>()?.as_u64().map(|size| size as usize);
                    self.size = size.filter(|size| (2..=MOST_MEMBERS).contains(size));
                }
                "member" => self.who = text(&map.next_value()?).map(MemberIdentity::Member).or(self.who.take()),
                "idempotency_key" => {
                    let key = text(&map.next_value()?).map(MemberIdentity::Request);
                    self.who = self.who.take().or(key);
                }
                "deadline_seconds" => {
                    let seconds = map.next_value::<Value>()?.as_f64().filter(|s| *s > 0.0 && *s <= LONGEST_DEADLINE);
                    self.deadline = seconds.map(Duration::from_secs_f64);
                }
                "prompts" => self.prompts = list(map.next_value()?),
                "labels" => self.labels = list(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
