<?php

$config = [
    'baseurlpath' => '{{url}}/',
    'certdir' => __DIR__ . '/cert/',
    'datadir' => __DIR__ . '/data/',
    'loggingdir' => __DIR__ . '/log/',
    'metadatadir' => __DIR__ . '/metadata/',
    'tempdir' => __DIR__ . '/temp',
    'timezone' => 'UTC',
    // They guard nothing: all of this lives as long as one test run, on the loopback interface.
    'secretsalt' => 'interop-of-dragoman',
    'auth.adminpassword' => 'interop-of-dragoman',
    'logging.handler' => 'errorlog',
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => __DIR__ . '/temp',
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'metadata.sources' => [['type' => 'flatfile']],
    'metadata.sign.enable' => true,
    'metadata.sign.privatekey' => 'federation.key',
    'metadata.sign.certificate' => 'federation.pem',
    'metadata.sign.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
];
