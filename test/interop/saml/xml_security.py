"""The XML Security Library (xmlsec) and libxml2 at work.

Does the jobs in the JSON file that its argument names and prints their results in the same order, as JSON. A job says
what to `do`:

sign          fills in every Signature of `xml` with `key`, the last one in the document first; results in the text of each
              DigestValue and SignatureValue, in document order
verify        true if `xml` is XML and every Signature in it, one at least, holds under `certificate`; null if a
              namespace name is no URI, which libxml2 takes for a fault and others do not
encrypt       what `plain` says, or else the element at `path` in `xml`, put into `template` with a new AES key of `bits`
              for `certificate`; results in the EncryptedData or the whole document
canonicalize  the element at `path` in `xml`, exclusively and without comments, `prefixes` handled inclusively

Keys and certificates are PEM. A path lists the places of child elements, beginning at the root element.
"""

import json
import sys

import xmlsec
from lxml import etree

DS = "{http://www.w3.org/2000/09/xmldsig#}"


def parsed(xml):
    # As it stands: no CDATA section is joined with the text around it, no entity expanded.
    parser = etree.XMLParser(strip_cdata=False, resolve_entities=False, no_network=True)
    return etree.fromstring(xml.encode(), parser)


def at(root, path):
    for place in path:
        root = [child for child in root if isinstance(child.tag, str)][place]
    return root


def signatures(root):
    xmlsec.tree.add_ids(root, ["ID"])
    return list(root.iter(DS + "Signature"))


def sign(job):
    root = parsed(job["xml"])
    found = signatures(root)
    for signature in reversed(found):
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(job["key"], xmlsec.KeyFormat.PEM)
        context.sign(signature)
    return [node.text for one in found for node in (one.find(f".//{DS}DigestValue"), one.find(f"{DS}SignatureValue"))]


def verify(job):
    try:
        found = signatures(parsed(job["xml"]))
        for signature in found:
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_memory(job["certificate"], xmlsec.KeyFormat.CERT_PEM)
            context.verify(signature)
        return len(found) > 0
    except etree.XMLSyntaxError as error:
        return None if error.code == etree.ErrorTypes.WAR_NS_URI else False
    except xmlsec.Error:
        return False


def encrypt(job):
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(job["certificate"], xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, job["bits"], xmlsec.KeyDataType.SESSION)
    template = parsed(job["template"])
    if "plain" in job:
        result = context.encrypt_binary(template, job["plain"].encode())
    else:
        root = parsed(job["xml"])
        context.encrypt_xml(template, at(root, job["path"]))
        result = root
    return etree.tostring(result, encoding="unicode")


def canonicalize(job):
    element = at(parsed(job["xml"]), job["path"])
    prefixes = job["prefixes"] or None
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes, with_tail=False
    ).decode()


JOBS = {"sign": sign, "verify": verify, "encrypt": encrypt, "canonicalize": canonicalize}

with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps([JOBS[job["do"]](job) for job in json.load(file)]))
