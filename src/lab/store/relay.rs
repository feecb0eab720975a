use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// The network of a host: everything that reaches its server comes through here. Killed together with the server it
/// takes with it what was on its way, as the death of a real host does. A killed server alone loses nothing on one
/// machine, because the kernel still delivers what was sent.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    pub listen: SocketAddr,
    pub to: SocketAddr,
    /// Connections from here are replication and take `delay` each way; the rest is passed on at once.
    pub slow_from: IpAddr,
    pub delay: Duration,
}

/// Bytes that may be on their way in one direction.
const MOST_CHUNKS: usize = 4096;

/// Runs until the process is killed.
///
/// # Errors
/// The address is taken.
pub async fn run(options: RelayOptions) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    loop {
        // What goes wrong with one connection is its two ends' affair.
        let Ok((client, from)) = listener.accept().await else { continue };
        let delay = if from.ip() == options.slow_from { options.delay } else { Duration::ZERO };
        tokio::spawn(pass_on(client, options.to, delay));
    }
}

async fn pass_on(mut client: TcpStream, to: SocketAddr, delay: Duration) -> io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if delay.is_zero() {
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(carry(from_client, to_server, delay), carry(from_server, to_client, delay))?;
    Ok(())
}

/// Writes what it reads, each chunk `delay` after it came.
async fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
) -> io::Result<()> {
    let (sent, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(MOST_CHUNKS);
    let reading = async move {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut chunk).await?;
            if length == 0 || sent.send((Instant::now() + delay, chunk[..length].to_vec())).await.is_err() {
                return Ok::<(), io::Error>(());
            }
        }
    };
    let writing = async move {
        while let Some((due, chunk)) = on_the_way.recv().await {
            sleep_until(due).await;
            to.write_all(&chunk).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_carried_arrives_in_order_after_the_delay() {
        let (mut sender, from) = tokio::io::duplex(1024);
        let (to, mut receiver) = tokio::io::duplex(1024);
        let delay = Duration::from_millis(20);
        let carrying = tokio::spawn(carry(from, to, delay));
        let sent = Instant::now();
        sender.write_all(b"first,").await.unwrap();
        sender.write_all(b"second").await.unwrap();
        drop(sender);
        let mut received = Vec::new();
        receiver.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"first,second");
        assert!(sent.elapsed() >= delay, "{:?}", sent.elapsed());
        carrying.await.unwrap().unwrap();
    }
}
