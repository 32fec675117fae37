use baton_client::{Client, Error};

use crate::fake::coordinator;

#[tokio::test]
async fn a_backup_is_put_together_and_refusals_are_told() {
    let (address, _script) = coordinator().await;
    let client = Client::connect(&[address]).unwrap();
    assert_eq!(client.backup().await.unwrap(), b"onetwo");
    assert_eq!(client.promote_member(4).await, Err(Error::Refused("member 4 is too far behind".into())));
    assert_eq!(client.transfer_leader(1, None).await.unwrap(), 2);
    assert_eq!(client.transfer_leader(1, Some(5)).await.unwrap(), 5);
}
