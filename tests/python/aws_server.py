"""A server of S3, Glue and Athena, on loopback or another address, for as long as its standard input is open.

Prints its address. With `--open BUCKET` it makes a bucket with one table. With `--signed BUCKET` it makes one too, and a user
whose keys it prints behind the address: from then on it refuses requests that are signed with others.
"""

import argparse
import logging
import os
import sys

arguments = argparse.ArgumentParser()
arguments.add_argument("--signed", metavar="BUCKET")
arguments.add_argument("--open", metavar="BUCKET")
arguments.add_argument("--host", default="127.0.0.1")
arguments = arguments.parse_args()
SIGNED = arguments.signed
if SIGNED:
    # The calls below are made before signatures are looked at.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "5"

import boto3
from moto.server import ThreadedMotoServer

from aws_front import Front

ALLOWED = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


KEYS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}


def make(address, bucket):
    """Makes a bucket with one table."""
    s3 = boto3.client("s3", endpoint_url=address, **KEYS)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="lake/sales/orders.csv", Body=b"id,amount\n1,2.5\n2,4\n")


def prepare(address):
    """Makes the bucket and the user, and returns the user's keys."""
    make(address, SIGNED)
    iam = boto3.client("iam", endpoint_url=address, **KEYS)
    iam.create_user(UserName="mason")
    made = iam.create_access_key(UserName="mason")["AccessKey"]
    iam.put_user_policy(UserName="mason", PolicyName="all", PolicyDocument=ALLOWED)
    return made["AccessKeyId"], made["SecretAccessKey"]


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address=arguments.host, port=0, verbose=False)
server.start()
server._server.app = Front(server._server.app)
host, port = server.get_host_and_port()
address = f"http://{host}:{port}"
if arguments.open:
    make(address, arguments.open)
print(address, *(prepare(address) if SIGNED else ()), flush=True)
sys.stdin.read()
