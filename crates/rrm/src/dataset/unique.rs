//! JSON text -> a value whose objects have no name twice, at any depth. With two of one name, the last would win unnoticed.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, map::Entry};

/// End of the error for a name that comes twice, see [`is_doubled`].
const TWICE: &str = "comes twice";

/// A JSON value whose objects have no name twice. Deserializing another one is an error that names the object and the name.
pub(super) struct UniqueKeys(pub(super) Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        UniqueValue(&ValuePath::Row).deserialize(deserializer).map(UniqueKeys)
    }
}

/// Parses one value, such as a row.
pub(super) fn object(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str::<UniqueKeys>(text).map(|UniqueKeys(value)| value)
}

/// Returns the reason why a text is no JSON value or has a name twice in an object; `None` if it is sound.
pub(super) fn problem(json: &[u8]) -> Option<serde_json::Error> {
    serde_json::from_slice::<UniqueNames>(json).err()
}

/// Returns whether an error is about a name that comes twice.
pub(super) fn is_doubled(error: &serde_json::Error) -> bool {
    error.is_data() && error.to_string().contains(TWICE)
}

/// Parses one value or several, one after the other, into a list of them.
pub(super) fn values(text: &str) -> serde_json::Result<Vec<Value>> {
    serde_json::Deserializer::from_str(text).into_iter::<UniqueKeys>().map(|value| value.map(|UniqueKeys(value)| value)).collect()
}

/// Place of a value in its row: a chain of borrowed steps, so that nothing is allocated unless there is an error.
#[derive(Clone, Copy)]
enum ValuePath<'a> {
    /// The row itself.
    Row,
    /// Value of this name in an object.
    Name(&'a ValuePath<'a>, &'a str),
    /// Element of a list, from 0.
    Index(&'a ValuePath<'a>, usize),
}

impl fmt::Display for ValuePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValuePath::Row => Ok(()),
            ValuePath::Name(ValuePath::Row, name) => f.write_str(name),
            ValuePath::Name(holder, name) => write!(f, "{holder}.{name}"),
            ValuePath::Index(holder, index) => write!(f, "{holder}[{index}]"),
        }
    }
}

/// A reader of the value at this place.
struct UniqueValue<'a>(&'a ValuePath<'a>);

impl<'de> DeserializeSeed<'de> for UniqueValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut keys = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(UniqueValue(&ValuePath::Name(self.0, &name)))?;
            match keys.entry(name) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(other) => return Err(A::Error::custom(doubled(self.0, other.key()))),
            };
        }
        Ok(Value::Object(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(UniqueValue(&ValuePath::Index(self.0, values.len())))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// A JSON value whose objects have no name twice, of which nothing is kept.
struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NamesAt(&ValuePath::Row).deserialize(deserializer).map(|()| UniqueNames)
    }
}

/// A reader of the names in the value at this place.
struct NamesAt<'a>(&'a ValuePath<'a>);

impl<'de> DeserializeSeed<'de> for NamesAt<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NamesAt<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut few, mut many) = (Vec::<String>::new(), HashSet::<String>::new());
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(NamesAt(&ValuePath::Name(self.0, &name)))?;
            if few.contains(&name) || many.contains(&name) {
                return Err(A::Error::custom(doubled(self.0, &name)));
            }
            // Comparing all names with each other is quick only for a few.
            if few.len() < 16 {
                few.push(name);
            } else {
                many.insert(name);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while list.next_element_seed(NamesAt(&ValuePath::Index(self.0, index)))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn doubled(holder: &ValuePath<'_>, name: &str) -> String {
    match holder {
        ValuePath::Row => format!("the column `{name}` {TWICE}"),
        holder => format!("the name `{name}` {TWICE} in `{holder}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_twice_is_an_error_at_any_depth() {
        for (text, said) in [
            (r#"{"a": 1, "a": 1}"#, "the column `a` comes twice"),
            (r#"{"a": 1, "\u0061": 1}"#, "the column `a` comes twice"),
            (r#"{"r": [1, {"t": 1, "t": 2}]}"#, "the name `t` comes twice in `r[1]`"),
            (r#"{"r": {"s": {"t": null, "u": [], "t": 2}}}"#, "the name `t` comes twice in `r.s`"),
            (r#"[[{"t": {}, "t": 2}]]"#, "the name `t` comes twice in `[0][0]`"),
        ] {
            let error = object(text).unwrap_err();
            assert!(is_doubled(&error) && error.to_string().starts_with(said), "{text}: {error}");
            let problem = problem(text.as_bytes()).unwrap();
            assert!(is_doubled(&problem) && problem.to_string().starts_with(said), "{text}: {problem}");
        }
        for text in [r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}], "A": 1}"#, "[1, -1, 1.5, true, null, \"comes twice\"]"] {
            assert_eq!(object(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
            assert!(problem(text.as_bytes()).is_none());
        }
        assert!(!is_doubled(&object("{\"comes twice\": ").unwrap_err()));
        let names = |twice: usize| (0..40).chain([twice]).map(|n| format!("\"{n}\": 0")).collect::<Vec<_>>().join(", ");
        for twice in [0, 15, 16, 39] {
            assert!(problem(format!("{{{}}}", names(twice)).as_bytes()).is_some_and(|error| is_doubled(&error)), "{twice}");
        }
        assert!(problem(format!("{{{}}}", names(40)).as_bytes()).is_none());
    }
}
