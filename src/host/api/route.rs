//! One route: how it is called, who answers, and what is taken and given, for
//! the router and for the schema alike.

use std::pin::Pin;

use hyper::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::Body;
use crate::host::context::Context;

/// One endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Its path, without the query.
    pub path: &'static str,
    /// What it is for, in a line.
    pub summary: &'static str,
    /// Who answers.
    pub action: Action,
    /// The body it takes; nothing for GET.
    pub takes: Option<Describe>,
    /// Whether bytes are such a body.
    pub reads: Option<fn(&[u8]) -> bool>,
    /// Names and meanings of its query parameters.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What it answers.
    pub gives: Gives,
}

/// Who answers a route. A POST has a body, and a GET may have a query.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    /// GET: reads memory.
    Read(fn(&Context) -> ApiAnswer),
    /// GET with a query string, which may be empty.
    Ask(for<'a> fn(&'a Context, &'a str) -> Answering<'a>),
    /// POST.
    Do(for<'a> fn(&'a Context, Body) -> Answering<'a>),
    /// GET: subscribes to events.
    Listen,
}

/// An answer that is being made.
pub type Answering<'a> = Pin<Box<dyn Future<Output = ApiAnswer> + Send + 'a>>;

/// What a successful answer has in it.
#[derive(Debug, Clone, Copy)]
pub enum Gives {
    /// `{"success":true}` alone.
    Done,
    /// `{"success":true, NAME: [..]}`.
    List(&'static str, Describe),
    /// `{"success":true, ..}` with the members of a type.
    Object(Describe),
    /// JSON of some other shape.
    Json(Describe),
    /// Something else than JSON, of this media type.
    Bytes(&'static str),
}

/// Describes a type.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

impl Route {
    /// A GET that reads memory.
    #[must_use]
    pub const fn get(path: &'static str, summary: &'static str, read: fn(&Context) -> ApiAnswer) -> Self {
        Self::new(path, summary, Action::Read(read))
    }

    /// A GET with these query parameters.
    #[must_use]
    pub const fn ask(
        path: &'static str,
        summary: &'static str,
        parameters: &'static [(&'static str, &'static str)],
        ask: for<'a> fn(&'a Context, &'a str) -> Answering<'a>,
    ) -> Self {
        let mut route = Self::new(path, summary, Action::Ask(ask));
        route.parameters = parameters;
        route
    }

    /// A POST; see [`takes`](Self::takes).
    #[must_use]
    pub const fn post(
        path: &'static str,
        summary: &'static str,
        act: for<'a> fn(&'a Context, Body) -> Answering<'a>,
    ) -> Self {
        Self::new(path, summary, Action::Do(act))
    }

    /// A GET that is answered with events for as long as the caller listens.
    #[must_use]
    pub const fn listen(
        path: &'static str,
        summary: &'static str,
        parameters: &'static [(&'static str, &'static str)],
    ) -> Self {
        let mut route = Self::new(path, summary, Action::Listen);
        route.parameters = parameters;
        route.gives_bytes("text/event-stream")
    }

    const fn new(path: &'static str, summary: &'static str, action: Action) -> Self {
        Self { path, summary, action, takes: None, reads: None, parameters: &[], gives: Gives::Done }
    }

    /// Its body is a `T`.
    #[must_use]
    pub const fn takes<T: JsonSchema + DeserializeOwned>(mut self) -> Self {
        self.takes = Some(describe::<T>);
        self.reads = Some(reads::<T>);
        self
    }

    /// It answers with a list of `T`.
    #[must_use]
    pub const fn lists<T: JsonSchema>(mut self, name: &'static str) -> Self {
        self.gives = Gives::List(name, describe::<T>);
        self
    }

    /// It answers with the members of `T`, beside `success`.
    #[must_use]
    pub const fn gives<T: JsonSchema>(mut self) -> Self {
        self.gives = Gives::Object(describe::<T>);
        self
    }

    /// It answers with a `T`, without `success`.
    #[must_use]
    pub const fn gives_json<T: JsonSchema>(mut self) -> Self {
        self.gives = Gives::Json(describe::<T>);
        self
    }

    /// It answers with something else than JSON.
    #[must_use]
    pub const fn gives_bytes(mut self, media_type: &'static str) -> Self {
        self.gives = Gives::Bytes(media_type);
        self
    }

    /// What a path has in the place of this one's names in braces, as the begin
    /// of a query; `None` if it is a path of another route.
    #[must_use]
    pub fn names_in(&self, path: &str) -> Option<String> {
        let mut named = String::new();
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let given = given.next()?;
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !given.is_empty() => named += &format!("{name}={given}&"),
                None if wanted == given => {}
                _ => return None,
            }
        }
        given.next().is_none().then_some(named)
    }

    /// The method it is called with.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self.action {
            Action::Read(_) | Action::Ask(_) | Action::Listen => Method::GET,
            Action::Do(_) => Method::POST,
        }
    }
}

fn reads<T: DeserializeOwned>(body: &[u8]) -> bool {
    serde_json::from_slice::<T>(body).is_ok()
}

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
