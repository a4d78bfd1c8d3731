//! A client with the right PIN is paired, stays so over a restart of the host,
//! and sees the default apps; a client that never paired sees nothing.

use crate::support::client::Device;
use crate::support::host::Host;
use crate::support::needs;

#[test]
fn right_pin_pairs_and_outlives_a_restart() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let mut host = Host::start();
    let device = Device::paired(&host, "device");
    let titles = titles(&device);
    assert!(titles.contains(&"Desktop".into()) && titles.contains(&"Test card".into()), "{titles:?}");
    let info = device.run(&["serverinfo", "--https"]).expect("serverinfo");
    assert_eq!(info["PairStatus"], "1");

    host.kill();
    host.start_again();

    let again = device.run(&["serverinfo", "--https"]).expect("serverinfo after a restart");
    assert_eq!(again["PairStatus"], "1");
    assert_eq!(again["uniqueid"], info["uniqueid"], "the host is the same to its clients");
    host.stop();
}

#[test]
fn stranger_sees_no_apps() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let host = Host::start();
    let stranger = Device::new(&host, "stranger");
    let info = stranger.run(&["serverinfo"]).expect("serverinfo is for everybody");
    assert_eq!(info["PairStatus"], "0");
    let refusal = stranger.run(&["applist"]).expect_err("applist is not");
    assert!(refusal.contains("answered 401"), "{refusal}");
}

#[test]
fn every_app_has_a_picture() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let file = host.scratch.join("asset.png");
    for title in titles(&device) {
        let path = file.to_str().expect("UTF-8");
        device.run(&["appasset", "--app", &title, "--out", path]).expect("appasset");
        let picture = std::fs::read(&file).expect("the picture");
        assert!(picture.starts_with(b"\x89PNG"), "{title}: not a PNG");
    }
}

fn titles(device: &Device) -> Vec<String> {
    let answer = device.run(&["applist"]).expect("applist");
    let apps = answer["apps"].as_array().expect("apps");
    apps.iter().map(|app| app["title"].as_str().expect("title").to_owned()).collect()
}
