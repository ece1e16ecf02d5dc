"""Writes the local broker's `server.properties`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streaming.local_broker.process import BrokerPaths, BrokerPorts
from waybill.atomic_files import write_private
from waybill.background_processes import LOOPBACK

# One node is both broker and controller, so internal topics have one replica. With its short session a killed broker
# is back in seconds. Messages are kept until their topic's own retention says otherwise.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}{listeners}
advertised.listeners=PLAINTEXT://{host}:{port}{listeners}
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.retention.ms=-1
"""


@dataclass(frozen=True)
class ExtraListener:
    """A second listener, for example one that requires TLS and SASL: its name, port, protocol and properties."""

    name: str
    port: int
    protocol: str
    properties: Mapping[str, str]


def write_configuration(paths: BrokerPaths, ports: BrokerPorts, extra: ExtraListener | None = None) -> None:
    """Write the configuration, which only its owner can read."""
    text = PROPERTIES.format(
        host=LOOPBACK,
        port=ports.clients,
        controller_port=ports.controller,
        data=paths.data.name,
        protocols=f",{extra.name}:{extra.protocol}" if extra else "",
        listeners=f",{extra.name}://{LOOPBACK}:{extra.port}" if extra else "",
    )
    for name, value in (extra.properties if extra else {}).items():
        text += f"{name}={value}\n"
    write_private(paths.properties, text)
