"""Writes events.bin: what TensorBoard's own classes make of the events in EventTests.swift.

    pip install tensorboard==2.20.0 && python generate.py
"""
import pathlib

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

events = [
    Event(wall_time=1.5, file_version="brain.Event:2"),
    Event(wall_time=1.5, step=3, session_log=SessionLog(status=SessionLog.START)),
    Event(wall_time=1.5, step=7, summary=Summary(value=[Summary.Value(tag="loss", simple_value=0.25)])),
]
with open(pathlib.Path(__file__).parent / "events.bin", "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString())
    writer.flush()
