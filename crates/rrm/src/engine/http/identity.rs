//! The facts and answers of a server, and the memory of a store -> its identity: known, new, or not the expected one.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        EngineError, Opening,
        http::{
            fingerprint::{self, GreedyAnswers, last_name},
            listing::ModelEntry,
            refusal::Remedy,
        },
    },
    store::{Identities, Identity, KnownIdentity, StoreError, now},
};

/// The memory of identities over runs, and the policy for a server that answers differently.
#[derive(Clone, Debug)]
pub struct IdentityMemory {
    /// The remembered identities.
    pub identities: Identities,
    /// Policy if a server differs from the identity that is remembered under its name.
    pub otherwise: MismatchPolicy,
}

/// The policy if a server answers differently from what the store remembers under its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MismatchPolicy {
    /// Stop before anything is paid for.
    #[default]
    Stop,
    /// They are the same weights: remember the new answers together with the old ones. Completions of this model under a fingerprint without an
    /// identity also belong to them; if there are several such fingerprints, the text is the beginning of the right one.
    SameWeights(Option<String>),
    /// They are other weights: ask them anew, and remember them as another identity.
    OtherWeights,
}

/// The identity of an engine, the messages about it, and the identities that it absorbs.
pub(crate) type IdentityDecision = (Identity, Vec<String>, Option<Vec<Identity>>);

/// Facts that the first requests found about a server, stored in [`KnownIdentity::learned`](crate::store::KnownIdentity::learned).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ServerTraits {
    /// Whether the same seed repeats a text.
    pub seeds: bool,
    /// Whether the server returns log-probabilities.
    pub logprobs: bool,
    /// Whether thinking can be cut; `None` if that was not probed.
    pub budget: Option<bool>,
    /// The writer of the mark that opens the thinking; `None` if that could not be probed.
    pub opening: Option<Opening>,
    /// Changes to requests, because the server refuses their usual form.
    pub remedies: Vec<Remedy>,
    /// Kind of the server, as it states it.
    pub owner: Option<String>,
}

impl ServerTraits {
    /// Parses the stored facts of an identity.
    pub fn of(identity: &Identity) -> Self {
        serde_json::from_str(&identity.known.learned).unwrap_or_default()
    }

    /// Returns the facts as they are stored.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The listing and the answers of a server at present.
pub(crate) struct ServerView<'a> {
    pub listed: &'a ModelEntry,
    pub answers: &'a GreedyAnswers,
    /// The addresses that answered. If there are several, each of them must have the remembered identity.
    pub places: &'a [String],
}

/// Returns the difference of a server from the remembered identity, in words; `None` if there is none.
pub(crate) fn differs(identity: &Identity, shown: &ServerView<'_>) -> Option<String> {
    let known = &identity.known;
    let stated = shown.listed.facts.iter().find_map(|(name, now)| {
        let before = known.stated.get(name).filter(|before| *before != now)?;
        Some(format!("it states {name} {now}, and stated {before}"))
    });
    if stated.is_some() || known.answers.is_empty() {
        return stated;
    }
    let is_known = |text: &String| known.answers.contains(text);
    let texts = &shown.answers.texts;
    let same = if shown.places.len() > 1 { !texts.is_empty() && texts.iter().all(is_known) } else { texts.iter().any(is_known) };
    if same {
        return None;
    }
    let other = texts.iter().find(|text| !is_known(text)).map_or("", String::as_str);
    let times = if shown.answers.repeat { "" } else { ", not the same each time" };
    Some(format!("its greedy answer to one request began {}, and is {} now{times}", excerpt(&known.answers[0]), excerpt(other)))
}

/// Returns the beginning of an answer for messages.
fn excerpt(answer: &str) -> String {
    let text: String = answer.chars().filter(|c| *c != '\0').collect();
    match text.trim() {
        "" => "empty".to_owned(),
        text => format!("{:?}", text.chars().take(60).collect::<String>()),
    }
}

/// Adds the present facts and answers to the identity.
pub(crate) fn absorb(identity: &mut Identity, shown: &ServerView<'_>) {
    identity.last_seen = now();
    let known = &mut identity.known;
    if !known.answers.is_empty() {
        let new: Vec<String> = shown.answers.texts.iter().filter(|text| !known.answers.contains(text)).cloned().collect();
        known.answers.extend(new);
    }
    known.stated.extend(shown.listed.facts.clone());
    known.places.retain(|place| !shown.places.contains(place));
    known.places.extend_from_slice(shown.places);
    if !shown.listed.stable().is_empty() {
        known.listed = shown.listed.stable().to_owned();
    }
}

impl IdentityMemory {
    /// Returns the identity that is remembered under this name, if it is certain without a request: the one with this revision, or else the only one,
    /// at addresses at which it was seen.
    pub(crate) fn sole(
        &self,
        model: &str,
        changes: &str,
        revision: Option<&str>,
        places: &[String],
    ) -> Result<Option<Identity>, StoreError> {
        if self.otherwise != MismatchPolicy::Stop {
            return Ok(None);
        }
        let mut own = self.identities.asked_with(changes)?;
        own.retain(|identity| identity.model == model && identity.known.revision.as_deref() == revision);
        let sole = if own.len() == 1 { own.pop() } else { None };
        // Two servers may use the same model name.
        let is_there = |one: &Identity| revision.is_some() || places.iter().all(|place| one.known.places.contains(place));
        let sole = sole.filter(is_there);
        // Completions cannot be read without knowing the writer of the opening mark of thinking.
        Ok(sole.filter(|identity| ServerTraits::of(identity).opening.is_some()))
    }

    /// Returns the identity of this server, with messages about it. `name` is the engine's; `finished` turns a fingerprint of weights into the one
    /// for addresses of completions.
    pub(crate) fn settle(
        &self,
        name: &str,
        changes: &str,
        shown: &ServerView<'_>,
        finished: impl Fn(String) -> String,
    ) -> Result<IdentityDecision, EngineError> {
        let model = &shown.listed.id;
        let mut notes = Vec::new();
        let mut rows = self.identities.asked_with(changes).map_err(|error| failed(name, &error))?;
        rows.retain(|identity| identity.known.revision.is_none());
        let stored = self.identities.stored(model).map_err(|error| failed(name, &error))?;
        let own: Vec<&Identity> = rows.iter().filter(|identity| identity.model == *model).collect();
        let same = own.iter().find(|identity| differs(identity, shown).is_none());
        let mut identity = match (same, own.first(), &self.otherwise) {
            (Some(same), ..) => (*same).clone(),
            (None, Some(last), MismatchPolicy::Stop) => return Err(self.refused(name, last, shown, &own)),
            (None, Some(_), MismatchPolicy::SameWeights(which)) => {
                let choices: Vec<(String, u64)> = own.iter().map(|own| (own.fingerprint.clone(), count(&stored, own))).collect();
                let chosen = chosen(name, &choices, among(&choices, which.as_deref()))?;
                let mut identity = own[chosen].clone();
                notes.push(format!("{name}: taken for the weights of {}, as --same-weights says", date(identity.first_seen)));
                adopt_behaviour(&mut identity, shown, name, &mut notes);
                identity
            }
            // On another machine, or behind a gateway, a model may have another name and the same answers.
            _ => match rows.iter().find(|row| is_renamed(row, model) && differs(row, shown).is_none()) {
                Some(row) => {
                    notes.push(format!(
                        "{name}: answers as {}, which the store remembers, so it is taken for the same",
                        row.model
                    ));
                    Identity { model: model.clone(), ..row.clone() }
                }
                None => {
                    notes.extend(own.first().map(|last| format!("{name}: {}: asked anew", self.otherwise(last, shown, &own))));
                    fresh(changes, shown, &stored, finished)
                }
            },
        };
        absorb(&mut identity, shown);
        let mut part = None;
        if let MismatchPolicy::SameWeights(which) = &self.otherwise {
            if let Some((note, others)) = self.adopt_stored(name, which.as_deref(), &mut identity, (&stored, shown))? {
                notes.push(note);
                part = Some(others);
            }
            named(name, which.as_deref(), &identity)?;
        }
        Ok((identity, notes, part))
    }

    /// Returns the error of a server that is not the remembered one.
    pub(crate) fn refused(&self, name: &str, last: &Identity, shown: &ServerView<'_>, all: &[&Identity]) -> EngineError {
        let detail = format!("{}. Nothing was paid for", self.otherwise(last, shown, all));
        EngineError::OtherWeights { engine: name.to_owned(), detail }
    }

    /// Describes the remembered identity, since when it is known, and the difference.
    pub(super) fn otherwise(&self, last: &Identity, shown: &ServerView<'_>, all: &[&Identity]) -> String {
        let why = differs(last, shown).unwrap_or_default();
        let mut said = format!("{} remembers {} since {}", self.identities.path().display(), last.model, date(last.first_seen));
        if date(last.last_seen) != date(last.first_seen) {
            write!(said, " (last seen {})", date(last.last_seen)).ok();
        }
        if let Ok(stored) = self.identities.stored(&last.model) {
            write!(said, " and holds {} completions of it", all.iter().map(|one| count(&stored, one)).sum::<u64>()).ok();
        }
        write!(said, "; this server answers otherwise: {why}").ok();
        said
    }

    /// Adds to `identity` the completions that were stored under a fingerprint without an identity, or under that of the only other identity with the
    /// same name and the same answers.
    fn adopt_stored(
        &self,
        name: &str,
        which: Option<&str>,
        identity: &mut Identity,
        (stored, shown): (&[(String, u64)], &ServerView<'_>),
    ) -> Result<Option<(String, Vec<Identity>)>, EngineError> {
        let remembered = self.identities.all().map_err(|error| failed(name, &error))?;
        let has = |one: &Identity, fingerprint: &String| one.fingerprint == *fingerprint || one.known.also.contains(fingerprint);
        let namesake = |one: &Identity| {
            let named = (&one.model, &one.changes, &one.known.revision) == (&identity.model, &identity.changes, &None);
            named && (which.is_some() || !one.known.answers.is_empty() && differs(one, shown).is_none())
        };
        let is_left = |fingerprint: &String| {
            !has(identity, fingerprint) && remembered.iter().filter(|one| has(one, fingerprint)).all(namesake)
        };
        let left: Vec<(String, u64)> = stored.iter().filter(|(fingerprint, _)| is_left(fingerprint)).cloned().collect();
        // A fingerprint that is named and already belongs to an identity was handled before.
        let named = among(&left, which);
        if left.is_empty() || which.is_some() && named.is_none() {
            return Ok(None);
        }
        let (fingerprint, completions) = &left[chosen(name, &left, named)?];
        identity.known.also.push(fingerprint.clone());
        let others: Vec<Identity> = remembered.iter().filter(|one| one.fingerprint == *fingerprint).cloned().collect();
        for other in &others {
            let KnownIdentity { answers, also, .. } = &other.known;
            identity
                .known
                .answers
                .extend(answers.iter().filter(|text| !identity.known.answers.contains(text)).cloned().collect::<Vec<_>>());
            identity.known.also.extend(also.iter().cloned());
            identity.first_seen = identity.first_seen.min(other.first_seen);
        }
        let note =
            format!("{name}: {completions} completions under {} are its own from now on (--same-weights)", short(fingerprint));
        Ok(Some((note, others)))
    }
}

fn failed(name: &str, error: &StoreError) -> EngineError {
    EngineError::Failed { engine: name.to_owned(), detail: error.to_string() }
}

/// Returns an error if the named fingerprint does not belong to this identity.
fn named(name: &str, which: Option<&str>, identity: &Identity) -> Result<(), EngineError> {
    let mut own = identity.known.also.iter().chain([&identity.fingerprint]);
    match which {
        Some(which) if !own.any(|fingerprint| fingerprint.starts_with(which)) => {
            let detail = format!("--same-weights={which}: nothing of this model is stored under a fingerprint that begins so");
            Err(EngineError::OtherWeights { engine: name.to_owned(), detail })
        }
        _ => Ok(()),
    }
}

/// Returns `which` if one of these fingerprints begins with it.
fn among<'a>(choices: &[(String, u64)], which: Option<&'a str>) -> Option<&'a str> {
    which.filter(|which| choices.iter().any(|(fingerprint, _)| fingerprint.starts_with(which)))
}

/// Returns the index of the fingerprint that is meant: the only one, or the only one that begins with `which`.
fn chosen(name: &str, choices: &[(String, u64)], which: Option<&str>) -> Result<usize, EngineError> {
    let fits = |at: &usize| which.is_none_or(|which| choices[*at].0.starts_with(which));
    let fitting: Vec<usize> = (0..choices.len()).filter(fits).collect();
    if let [only] = fitting[..] {
        return Ok(only);
    }
    let list: Vec<String> =
        choices.iter().map(|(fingerprint, count)| format!("{} ({count} completions)", short(fingerprint))).collect();
    let first = choices.first().map_or("HASH", |(first, _)| short(first));
    let detail = format!(
        "the store holds several under this name, {}: name the one with the same weights, --same-weights={first}",
        list.join(", ")
    );
    Err(EngineError::OtherWeights { engine: name.to_owned(), detail })
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

fn count(stored: &[(String, u64)], identity: &Identity) -> u64 {
    let of = |fingerprint: &String| *fingerprint == identity.fingerprint || identity.known.also.contains(fingerprint);
    stored.iter().filter(|(fingerprint, _)| of(fingerprint)).map(|(_, count)| count).sum()
}

fn is_renamed(row: &Identity, model: &str) -> bool {
    row.model != model && last_name(&row.model) == last_name(model) && !row.known.answers.is_empty()
}

/// Treats different answers as those of the same weights, on the user's word.
fn adopt_behaviour(identity: &mut Identity, shown: &ServerView<'_>, name: &str, notes: &mut Vec<String>) {
    identity.known.stated.clear();
    if !shown.answers.repeat && !identity.known.answers.is_empty() {
        identity.known.answers.clear();
        notes.push(format!("{name}: {DRIFTS}"));
    }
}

/// Note on a server whose answers say nothing about its weights.
pub(crate) const DRIFTS: &str = "the server answers the same greedy request differently each time, or with nothing, so that other weights behind the same \
    name cannot be told apart; set `revision` whenever the model changes";

/// Returns the identity of weights with a declared revision.
pub(crate) fn declared(listed: &ModelEntry, changes: &str, revision: &str, finished: impl Fn(String) -> String) -> Identity {
    let known =
        KnownIdentity { revision: Some(revision.to_owned()), listed: listed.stable().to_owned(), ..KnownIdentity::default() };
    Identity {
        model: listed.id.clone(),
        changes: changes.to_owned(),
        fingerprint: finished(fingerprint::of_revision(&listed.id, revision)),
        first_seen: now(),
        last_seen: now(),
        known: KnownIdentity { stated: listed.facts.clone(), ..known },
    }
}

/// Returns a new identity. If completions are stored under the fingerprint of earlier versions, it is kept.
pub(crate) fn fresh(
    changes: &str,
    shown: &ServerView<'_>,
    stored: &[(String, u64)],
    finished: impl Fn(String) -> String,
) -> Identity {
    let before = finished(fingerprint::of_before(shown.listed, shown.answers));
    let fingerprint = match stored.iter().any(|(fingerprint, _)| *fingerprint == before) {
        true => before,
        false => finished(fingerprint::of_behaviour(shown.listed, shown.answers)),
    };
    let mut identity = Identity {
        model: shown.listed.id.clone(),
        changes: changes.to_owned(),
        fingerprint,
        first_seen: now(),
        ..Identity::default()
    };
    if shown.answers.repeat {
        identity.known.answers.clone_from(&shown.answers.texts);
    }
    absorb(&mut identity, shown);
    identity
}

/// Returns the day of a time in seconds since 1970, such as 2026-11-30 (UTC).
pub(crate) fn date(seconds: u64) -> String {
    // Days are counted from 1 March of the year 0, so that a leap day is the last day of its year.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}
