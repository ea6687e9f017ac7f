BEGIN TRANSACTION;
CREATE TABLE alerts (
	"key" VARCHAR(64) NOT NULL, 
	uuid TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	shell VARCHAR(64), 
	position INTEGER, 
	rule_uuid TEXT NOT NULL, 
	rule_id TEXT NOT NULL, 
	rule_version TEXT NOT NULL, 
	rule_name TEXT NOT NULL, 
	rule_name_folded TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	risk_score FLOAT, 
	time BIGINT, 
	filed BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(shell) REFERENCES alerts ("key") ON DELETE CASCADE
);
INSERT INTO "alerts" VALUES('e9fea7acc3a777391bebc34c8248be74533e3fecfa0af31b05ffd6af71fd9b54','6aa78d684de58e6b5e5833526620e1ebbc85e27b24e2905bbbee51bb2e056580','alert',NULL,NULL,'5b0c9a4e-rule','Rule-ID-1','7','Netcat Listener','netcat listener','high',73.0,1795348800000000000,1795348800000000000,'open','{"@timestamp":"2026-11-22T12:00:00.000Z","process":{"name":"nc","args":["nc","-l","4444"]},"kibana.alert.uuid":"6aa78d684de58e6b5e5833526620e1ebbc85e27b24e2905bbbee51bb2e056580","kibana.alert.rule.uuid":"5b0c9a4e-rule","kibana.alert.rule.rule_id":"Rule-ID-1","kibana.alert.rule.version":7,"kibana.alert.rule.name":"Netcat Listener","kibana.alert.severity":"high","kibana.alert.risk_score":73,"kibana.alert.reason":"process event","kibana.alert.workflow_status":"open"}');
INSERT INTO "alerts" VALUES('ed13c04971a7b54cbee005e6cec5be2b22d181ee80334399a9f298f536b3859e','6aa78d684de58e6b5e5833526620e1ebbc85e27b24e2905bbbee51bb2e0565800','building_block','e9fea7acc3a777391bebc34c8248be74533e3fecfa0af31b05ffd6af71fd9b54',0,'5b0c9a4e-rule','Rule-ID-1','7','Netcat Listener','netcat listener','high',73.0,1795348800000000000,1795348800000000000,'open','{"@timestamp":"2026-11-22T12:00:00.000Z","process":{"name":"nc","args":["nc","-l","4444"]},"kibana.alert.uuid":"6aa78d684de58e6b5e5833526620e1ebbc85e27b24e2905bbbee51bb2e0565800","kibana.alert.rule.uuid":"5b0c9a4e-rule","kibana.alert.rule.rule_id":"Rule-ID-1","kibana.alert.rule.version":7,"kibana.alert.rule.name":"Netcat Listener","kibana.alert.severity":"high","kibana.alert.risk_score":73,"kibana.alert.reason":"process event","kibana.alert.workflow_status":"open","event":{"id":"e1"},"kibana.alert.building_block_type":"default"}');
INSERT INTO "alerts" VALUES('6f392a83e729e57b79125af8714d4378b5dc21d9af25e69899198fa2fe59b77b','6aa78d684de58e6b5e5833526620e1ebbc85e27b24e2905bbbee51bb2e0565801','building_block','e9fea7acc3a777391bebc34c8248be74533e3fecfa0af31b05ffd6af71fd9b54',1,'5b0c9a4e-rule','Rule-ID-1','7','Netcat Listener','netcat listener','high',73.0,1795348800000000000,1795348800000000000,'open','{"@timestamp":"2026-11-22T12:00:00.000Z","process":{"name":"nc","args":["nc","-l","4444"]},"kibana.alert.uuid":"6aa78d684de58e6b5e5833526620e1ebbc85e27b24e2905bbbee51bb2e0565801","kibana.alert.rule.uuid":"5b0c9a4e-rule","kibana.alert.rule.rule_id":"Rule-ID-1","kibana.alert.rule.version":7,"kibana.alert.rule.name":"Netcat Listener","kibana.alert.severity":"high","kibana.alert.risk_score":73,"kibana.alert.reason":"process event","kibana.alert.workflow_status":"open","event":{"id":"e2"},"kibana.alert.building_block_type":"default"}');
CREATE TABLE incident_triggers (
	incident TEXT NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	time BIGINT NOT NULL, 
	first_event BIGINT NOT NULL, 
	last_event BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (incident, "key"), 
	FOREIGN KEY(incident) REFERENCES incidents (uuid) ON DELETE CASCADE
);
INSERT INTO "incident_triggers" VALUES('8f99463e596c7ffe4a738309891e953820923af37f91dbd7802c8f35c51317b8','6f18f8a2151a0a6f683562ebc57900e493936adee366c9b55468b66e31dffd3c',1795348801000000000,1795348800000000000,1795348801000000000,'{"id":"t1","time":"2026-11-22T12:00:01.000Z","first_event":"2026-11-22T12:00:00.000Z","last_event":"2026-11-22T12:00:01.000Z","event_ids":["e-t1"]}');
INSERT INTO "incident_triggers" VALUES('8f99463e596c7ffe4a738309891e953820923af37f91dbd7802c8f35c51317b8','5c14267a708af91de3aea107d6a0e6d19df229766c624be54298c76ac24283d6',1795348805000000000,1795348802000000000,1795348805000000000,'{"id":"t2","time":"2026-11-22T12:00:05.000Z","first_event":"2026-11-22T12:00:02.000Z","last_event":"2026-11-22T12:00:05.000Z","event_ids":["e-t2"]}');
INSERT INTO "incident_triggers" VALUES('3bcde913bf11af43e552f215c3dcf3a41fe1a698df9db2cbce4b5aac4ab80987','6f18f8a2151a0a6f683562ebc57900e493936adee366c9b55468b66e31dffd3c',1795348804000000000,1795348803000000000,1795348804000000000,'{"id":"t1","time":"2026-11-22T12:00:04.000Z","first_event":"2026-11-22T12:00:03.000Z","last_event":"2026-11-22T12:00:04.000Z","event_ids":["e-t1"]}');
CREATE TABLE incidents (
	uuid TEXT NOT NULL, 
	rule_uuid TEXT NOT NULL, 
	rule_id TEXT NOT NULL, 
	rule_version TEXT NOT NULL, 
	rule_name TEXT NOT NULL, 
	rule_name_folded TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	risk_score FLOAT, 
	attributes TEXT NOT NULL, 
	first_seen BIGINT NOT NULL, 
	last_seen BIGINT NOT NULL, 
	trigger_count INTEGER NOT NULL, 
	filed BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	reading TEXT NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (uuid)
);
INSERT INTO "incidents" VALUES('8f99463e596c7ffe4a738309891e953820923af37f91dbd7802c8f35c51317b8','5b0c9a4e-rule','Rule-ID-1','7','Netcat Listener','netcat listener','high',73.0,'{"hostName":"web"}',1795348800000000000,1795348805000000000,2,1795348800000000000,'active','11018720841854775808:0000000002:62aa46f82e4d4cae79648b3d14598fb0ee2c760a3345ebb324b7cd582dc7c83a','{"@timestamp":"2026-11-22T12:00:05.000Z","process":{"name":"nc","args":["nc","-l","4444"]},"kibana.alert.uuid":"8f99463e596c7ffe4a738309891e953820923af37f91dbd7802c8f35c51317b8","kibana.alert.rule.uuid":"5b0c9a4e-rule","kibana.alert.rule.rule_id":"Rule-ID-1","kibana.alert.rule.version":7,"kibana.alert.rule.name":"Netcat Listener","kibana.alert.severity":"high","kibana.alert.risk_score":73,"kibana.alert.reason":"process event","kibana.alert.workflow_status":"open","fortisiem.incident.id":"8f99463e596c7ffe4a738309891e953820923af37f91dbd7802c8f35c51317b8","fortisiem.incident.title":"Netcat on web","fortisiem.incident.status":"active","fortisiem.incident.count":2,"fortisiem.incident.first_seen":"2026-11-22T12:00:00.000Z","fortisiem.incident.last_seen":"2026-11-22T12:00:05.000Z","fortisiem.incident.attributes":{"hostName":"web"}}');
INSERT INTO "incidents" VALUES('3bcde913bf11af43e552f215c3dcf3a41fe1a698df9db2cbce4b5aac4ab80987','5b0c9a4e-rule','Rule-ID-1','7','Netcat Listener','netcat listener','high',73.0,'{"hostName":"db"}',1795348803000000000,1795348804000000000,1,1795348800000000000,'active','11018720840854775808:0000000001:3be1922b32ab099ee8fc9e386c0d4c75490c9d9f1372b8a55d12be8c1d2f28d2','{"@timestamp":"2026-11-22T12:00:04.000Z","process":{"name":"nc","args":["nc","-l","4444"]},"kibana.alert.uuid":"3bcde913bf11af43e552f215c3dcf3a41fe1a698df9db2cbce4b5aac4ab80987","kibana.alert.rule.uuid":"5b0c9a4e-rule","kibana.alert.rule.rule_id":"Rule-ID-1","kibana.alert.rule.version":7,"kibana.alert.rule.name":"Netcat Listener","kibana.alert.severity":"high","kibana.alert.risk_score":73,"kibana.alert.reason":"process event","kibana.alert.workflow_status":"open","fortisiem.incident.id":"3bcde913bf11af43e552f215c3dcf3a41fe1a698df9db2cbce4b5aac4ab80987","fortisiem.incident.title":"Netcat on db","fortisiem.incident.status":"active","fortisiem.incident.count":1,"fortisiem.incident.first_seen":"2026-11-22T12:00:03.000Z","fortisiem.incident.last_seen":"2026-11-22T12:00:04.000Z","fortisiem.incident.attributes":{"hostName":"db"}}');
CREATE TABLE meta (
	name VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('application','dogwatch-ledger');
INSERT INTO "meta" VALUES('format','1');
CREATE INDEX alerts_by_time ON alerts (kind, time);
CREATE INDEX alerts_by_uuid ON alerts (uuid);
CREATE INDEX alerts_by_shell ON alerts (shell, position);
CREATE INDEX incidents_by_last_seen ON incidents (last_seen);
CREATE INDEX incident_triggers_by_time ON incident_triggers (incident, time);
COMMIT;
