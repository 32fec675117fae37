use baton_client::{Client, Error};

use crate::fake::coordinator;

#[tokio::test]
async fn a_backup_is_put_together_and_refusals_are_told() {
    let (address, _script) = coordinator().await;
    let client = Client::connect(&[address]).unwrap();
    let mut bytes = Vec::new();
    let keep = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    client.backup(keep).await.unwrap();
    assert_eq!(bytes, b"onetwo");
    let full = client.backup(|_| Err(std::io::Error::other("the disk is full"))).await;
    let text = "the backup broke off: the disk is full; take it again";
    assert_eq!(full, Err(Error::Other(text.into())));
    assert_eq!(client.promote_member(4).await, Err(Error::Refused("member 4 is too far behind".into())));
    assert_eq!(client.transfer_leader(1, None).await.unwrap(), 2);
    assert_eq!(client.transfer_leader(1, Some(5)).await.unwrap(), 5);
}
