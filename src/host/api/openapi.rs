//! `/api/v1/openapi-schema`: OpenAPI 3.1, made from the route table and the
//! types that requests are read into and answers written from.

use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::host::api::answer::ApiAnswer;
use crate::host::api::route::{Gives, Route};
use crate::host::api::routes::ROUTES;
use crate::host::context::Context;

/// `GET /api/v1/openapi-schema`.
pub fn schema(_: &Context) -> ApiAnswer {
    ApiAnswer::Success(DOCUMENT.clone())
}

/// The same for as long as the program runs.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(ROUTES));

/// The description of these routes.
fn document(routes: &[Route]) -> Value {
    // OpenAPI 3.1 takes JSON Schema 2020-12 as it is.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in routes {
        let operation = operation(route, &mut generator);
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method().as_str().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Earthshine",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of a host, on its Unix socket. Ids are decimal strings; requests may have numbers \
                instead. Every refusal is an object with success false and an error that says why, mostly with status \
                500. Unknown members of requests are ignored.",
        },
        "servers": [{"url": "http://localhost", "description": "Whatever the Host header says"}],
        "paths": paths,
        "components": {"schemas": generator.take_definitions(true)},
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "responses": {
            "200": {"description": "done", "content": content(&route.gives, generator)},
            "default": {"description": "refused", "content": {"application/json": {"schema": {
                "type": "object",
                "properties": {"success": {"const": false}, "error": {"type": "string"}},
                "required": ["success", "error"],
            }}}},
        },
    });
    if let Some(takes) = route.takes {
        let schema = takes(generator);
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    let in_query = |(name, description): &(&str, &str)| json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}});
    let in_path = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names.map(in_path).chain(route.parameters.iter().map(in_query)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

fn content(gives: &Gives, generator: &mut SchemaGenerator) -> Value {
    let success = json!({"const": true});
    let schema = match gives {
        Gives::Done => json!({"type": "object", "properties": {"success": success}, "required": ["success"]}),
        Gives::List(name, item) => {
            let name = *name;
            json!({
                "type": "object",
                "properties": {"success": success, name: {"type": "array", "items": item(generator)}},
                "required": ["success", name],
            })
        }
        Gives::Object(object) => json!({
            "allOf": [
                {"type": "object", "properties": {"success": success}, "required": ["success"]},
                object(generator),
            ],
        }),
        Gives::Json(object) => object(generator).into(),
        Gives::Bytes(media_type) => {
            let media_type = *media_type;
            return json!({media_type: {}});
        }
    };
    json!({"application/json": {"schema": schema}})
}

/// `lobbiesCreate` of `/api/v1/lobbies/create`.
fn operation_id(route: &Route) -> String {
    let path = route.path.strip_prefix("/api/v1/").unwrap_or(route.path);
    let mut words = path.split(['/', '-', '_', '{', '}']);
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name + &initial.to_ascii_uppercase() + rest
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document = document(ROUTES);
        let described: HashSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())))
            .collect();
        let served = ROUTES.iter().map(|route| (route.method().as_str().to_ascii_lowercase(), route.path.to_owned()));
        assert_eq!(described, served.clone().collect(), "described and served");
        assert_eq!(served.count(), described.len(), "no route is there twice");
    }

    #[test]
    fn every_body_and_every_name_is_described() {
        let document = document(ROUTES);
        let mut names = HashSet::new();
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.method().as_str().to_ascii_lowercase()];
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(body.is_null(), route.takes.is_none(), "{}", route.path);
            let needs_none = route.method() == hyper::Method::GET || route.path == "/api/v1/host/reload";
            assert!(route.takes.is_some() || needs_none, "{} takes nothing", route.path);
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{}", route.path);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(ROUTES);
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let (pointer, _) = reference.split_once('"').unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
