//! Discovery, launch and pings: what GameStream says over HTTP, and the first
//! datagrams of a media stream.

pub mod answer;
pub mod app_list;
pub mod launch_request;
pub mod ping;
pub mod query;
pub mod server_info;
pub mod xml;
pub mod xml_reader;
