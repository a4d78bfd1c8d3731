//! A wrong PIN pairs nobody, the client says why, and the next try works.

use crate::support::client::Device;
use crate::support::host::{Host, type_pin_later};
use crate::support::needs;

#[test]
fn wrong_pin_is_noticed_and_can_be_tried_again() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let host = Host::start();
    let device = Device::new(&host, "device");

    let typing = type_pin_later(&host, "0000");
    let complaint = device.pair("1234").expect_err("a wrong PIN");
    typing.join().expect("the PIN was typed");
    assert!(complaint.contains("wrong PIN"), "{complaint}");
    let refusal = device.run(&["applist"]).expect_err("not paired");
    assert!(refusal.contains("answered 401"), "{refusal}");

    let typing = type_pin_later(&host, "1234");
    device.pair("1234").expect("the right PIN");
    typing.join().expect("the PIN was typed");
    device.run(&["applist"]).expect("paired");
}
