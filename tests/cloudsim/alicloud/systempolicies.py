# SPDX-License-Identifier: Apache-2.0
"""System policies: names that exist in every account, with documents good enough to evaluate.

The one idea: the few that matter here are spelled out; the others follow their name, so that
AliyunOSSReadOnlyAccess lets its holder read OSS and nothing else.
"""
import json

PRODUCTS = ("ACM ActionTrail AHAS ALB AMQP APIGateway ARMS BPStudio BSS CDN CEN CloudMonitor "
            "CMS Config CR CS DAS DataHub DBS DCDN DDH DNS DTS ECI ECS EIP Elasticsearch EMAS "
            "EMR ESS FC FNF GA HBase IMM IOT KMS KVStore Log MNS MongoDB MQ MTS NAS NATGateway "
            "NLB OceanBase OOS OSS OTS PolarDB PrivateLink PVTZ RDS ResourceDirectory ROS SAE SLB "
            "SMQ VPC VOD VPNGateway WAF YundunDDosPro").split()

SPECIAL = {
    "AdministratorAccess": ["*"],
    "ReadOnlyAccess": ["*:Describe*", "*:Get*", "*:List*"],
    "PowerUserAccess": ["*"],
    "AliyunRAMFullAccess": ["ram:*", "ims:*"],
    "AliyunRAMReadOnlyAccess": ["ram:Get*", "ram:List*", "ims:Get*", "ims:List*"],
    "AliyunSTSAssumeRoleAccess": ["sts:AssumeRole"],
    "AliyunSupportFullAccess": ["support:*"],
}


def _build():
    actions = dict(SPECIAL)
    for product in PRODUCTS:
        code = product.lower()
        actions["Aliyun%sFullAccess" % product] = [code + ":*"]
        actions["Aliyun%sReadOnlyAccess" % product] = [code + ":" + verb + "*"
                                                       for verb in ("Describe", "Get", "List")]
    return {name: json.dumps({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": allowed, "Resource": "*"}]}) for name, allowed
        in actions.items()}


SYSTEM = _build()
CREATED = "2015-04-28T10:26:11Z"
