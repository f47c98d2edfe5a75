//! Events as they are stored: type name, version and body, and what is not known here, refused by name.
//!
//! This module must not know what an event means.

use serde_json::Value as Json;

use super::Event;

/// An entry of a type or version that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    pub kind: String,
    pub v: u32,
    pub detail: String,
}

impl std::fmt::Display for UnknownEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the journal holds an entry of type `{}` version {} that this program cannot read ({}); use the program version that wrote it, or a newer one",
            self.kind, self.v, self.detail
        )
    }
}

impl std::error::Error for UnknownEvent {}

impl Event {
    /// Type name and body as stored. The version is [`Event::version`].
    pub fn encode(&self) -> (String, String) {
        let json = serde_json::to_value(self).expect("events have only string keys and finite numbers");
        let Json::Object(mut map) = json else { unreachable!("adjacently tagged enums are objects") };
        let kind = map.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
        let body = map.remove("body").unwrap_or(Json::Object(serde_json::Map::new()));
        (kind, body.to_string())
    }

    /// Version of this type's body. Grows when its meaning changes; old ones are upcast in [`Event::decode`].
    pub fn version(&self) -> u32 {
        1
    }

    /// Reads a stored body.
    ///
    /// # Errors
    /// [`UnknownEvent`] for a type or version that this program does not know, and for a body that is not of its type.
    pub fn decode(kind: &str, v: u32, body: &str) -> Result<Event, UnknownEvent> {
        let unknown = |detail: String| UnknownEvent { kind: kind.to_owned(), v, detail };
        if v != 1 {
            return Err(unknown("version not known".to_owned()));
        }
        let body: Json = serde_json::from_str(body).map_err(|e| unknown(e.to_string()))?;
        serde_json::from_value(serde_json::json!({ "type": kind, "body": body })).map_err(|e| unknown(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_bytes() {
        let event = Event::NodeStopped { reason: "asked".into() };
        let (kind, body) = event.encode();
        assert_eq!((kind.as_str(), body.as_str()), ("node_stopped", r#"{"reason":"asked"}"#));
        assert_eq!(Event::decode(&kind, 1, &body), Ok(event));
    }

    #[test]
    fn an_unknown_type_or_version_is_refused_by_name() {
        assert_eq!(Event::decode("moon_landed", 1, "{}").map_err(|e| e.kind), Err("moon_landed".to_owned()));
        assert_eq!(Event::decode("node_stopped", 2, "{}").map_err(|e| e.v), Err(2));
    }
}
