//! Tests of which connection is closed for which.

use super::*;
use futures_util::FutureExt;

fn peer(number: u32) -> Peer {
    Peer::User(number)
}

/// Adds a connection on which nothing was received, after all others have reached the minimum age.
fn admit(table: &Arc<ConnectionTable>, number: u32) -> Connection {
    let now = Instant::now() + MIN_AGE;
    let connection = table.try_admit(&peer(number), now).expect("room");
    if let Some(entry) = table.entries().by_id.get_mut(&connection.id) {
        entry.accepted = now - MIN_AGE;
    }
    connection.activity.is_waiting.store(true, Ordering::Relaxed);
    connection
}

fn closed(connections: &[Connection]) -> Vec<bool> {
    connections.iter().map(|connection| connection.closed.is_cancelled()).collect()
}

fn busy(connection: &Connection) {
    connection.activity.is_busy.store(true, Ordering::Relaxed);
}

#[test]
fn the_oldest_connection_of_the_peer_with_the_most_unauthenticated_ones_is_closed() {
    let table = ConnectionTable::new(4);
    let connections = [1, 2, 2, 2, 3, 1].map(|number| admit(&table, number));
    assert_eq!(closed(&connections), [false, true, true, false, false, false]);
    let more = admit(&table, 4);
    assert_eq!(closed(&connections), [true, true, true, false, false, false], "of the peer that has two");
    assert_eq!(closed(&[more]), [false]);
}

#[test]
fn an_authenticated_connection_is_not_closed_for_an_unauthenticated_one() {
    let table = ConnectionTable::new(2);
    let tenants = admit(&table, 1);
    assert!(tenants.assign("a", 2).is_ok());
    let others = [2, 3, 4].map(|number| admit(&table, number));
    assert_eq!((closed(&[tenants]), closed(&others)), (vec![false], vec![true, true, false]));
}

#[test]
fn a_tenant_at_its_limit_loses_an_idle_connection() {
    let table = ConnectionTable::new(16);
    let mine = [1, 1].map(|number| admit(&table, number));
    mine.iter().for_each(|connection| assert!(connection.assign("a", 2).is_ok()));
    busy(&mine[0]);
    let third = admit(&table, 1);
    assert!(third.assign("a", 2).is_ok() && third.assign("a", 2).is_ok());
    assert_eq!(closed(&mine), [false, true]);
    busy(&third);
    let fourth = admit(&table, 1);
    assert!(fourth.assign("a", 2).is_err(), "requests are in progress on both");
    assert!(fourth.assign("b", 2).is_ok(), "another tenant has its own");
    drop(third);
    assert!(fourth.assign("a", 2).is_ok());
}

#[test]
fn tenants_leave_room_for_unauthenticated_connections() {
    let table = ConnectionTable::new(8);
    let assigned = [(); 7].map(|()| {
        let connection = admit(&table, 1);
        assert!(connection.assign("a", 8).is_ok());
        busy(&connection);
        connection
    });
    let (probe, next) = (admit(&table, 2), admit(&table, 3));
    assert!(next.assign("b", 8).is_err(), "the last one is for unauthenticated connections");
    assigned[3].activity.is_busy.store(false, Ordering::Relaxed);
    assert!(next.assign("b", 8).is_ok());
    assert!(assigned[3].closed.is_cancelled() && probe.closed.is_cancelled());
    drop(admit(&table, 4));
}

#[test]
fn a_tenant_at_its_limit_loses_one_connection_and_another_tenant_none() {
    let table = ConnectionTable::new(16);
    let assigned = |tenant: &str, number| {
        let connection = admit(&table, number);
        assert!(connection.assign(tenant, if tenant == "one" { 4 } else { 10 }).is_ok());
        connection
    };
    let one: Vec<_> = (0..4).map(|_| assigned("one", 1)).collect();
    let two: Vec<_> = (0..10).map(|_| assigned("two", 2)).collect();
    let _fifth = assigned("one", 1);
    assert_eq!(closed(&one), [true, false, false, false]);
    assert_eq!(closed(&two), [false; 10]);
}

#[test]
fn a_small_table_leaves_room_for_an_unauthenticated_connection() {
    let table = ConnectionTable::new(3);
    let assigned = [(); 2].map(|()| {
        let connection = admit(&table, 1);
        assert!(connection.assign("a", 3).is_ok());
        busy(&connection);
        connection
    });
    assert!(admit(&table, 1).assign("a", 3).is_err(), "the last one is for unauthenticated connections");
    assert_eq!(closed(&assigned), [false; 2]);
}

#[tokio::test]
async fn if_all_are_authenticated_the_next_connection_waits() {
    let table = ConnectionTable::new(1);
    let first = admit(&table, 1);
    assert!(first.assign("a", 1).is_ok());
    let mut next = Box::pin(table.admit(peer(2)));
    assert!((&mut next).now_or_never().is_none());
    drop(first);
    next.await;
}

#[test]
fn a_connection_is_not_closed_before_its_first_request_is_read() {
    let (table, now) = (ConnectionTable::new(1), Instant::now());
    let first = table.try_admit(&peer(1), now).expect("room");
    assert!(table.try_admit(&peer(2), now + MIN_AGE).is_none(), "input was received on it");
    first.activity.is_waiting.store(true, Ordering::Relaxed);
    assert!(table.try_admit(&peer(2), now).is_none() && !first.closed.is_cancelled(), "it is too young");
    assert!(table.try_admit(&peer(2), now + MIN_AGE).is_some() && first.closed.is_cancelled());
}

#[test]
fn a_flood_from_one_peer_closes_no_connection_of_another() {
    let table = ConnectionTable::new(3);
    let honest = admit(&table, 1);
    let now = Instant::now() + MIN_AGE;
    let flood: Vec<_> = (0..2).map(|_| table.try_admit(&peer(2), now).expect("room")).collect();
    assert!(table.try_admit(&peer(2), now).is_none() && !honest.closed.is_cancelled());
    drop(flood);
}

#[test]
fn addresses_of_one_network_are_one_peer() {
    let of = |text: &str| Peer::of_address(text.parse().expect("an address"));
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
}
