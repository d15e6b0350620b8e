-- Written before there were migrations; never changed since.
BEGIN TRANSACTION;
CREATE TABLE alert_channels (
	name VARCHAR(400) NOT NULL,
	channel_id VARCHAR(100),
	next_call_at FLOAT NOT NULL,
	failures INTEGER NOT NULL,
	reason TEXT,
	PRIMARY KEY (name)
);
INSERT INTO "alert_channels" VALUES('slack:#notifications-data-platform-ci','CNOTIFICATIONSDATAPLATFORMCI',1750000000.383882,1,'Slack answered not_in_channel to chat.postMessage: invite the bot to the channel');
CREATE TABLE alert_incidents (
	id INTEGER NOT NULL,
	policy VARCHAR(100) NOT NULL,
	fingerprint VARCHAR(64) NOT NULL,
	location VARCHAR(255) NOT NULL,
	subject TEXT NOT NULL,
	event_type VARCHAR(50) NOT NULL,
	destination VARCHAR(400) NOT NULL,
	first_at FLOAT NOT NULL,
	last_at FLOAT NOT NULL,
	occurrences INTEGER NOT NULL,
	facts TEXT NOT NULL,
	latest TEXT NOT NULL,
	recovered_at FLOAT,
	version INTEGER NOT NULL,
	changed_at FLOAT NOT NULL,
	last_entry_at FLOAT NOT NULL,
	escalates_at FLOAT,
	escalated_at FLOAT,
	escalations INTEGER NOT NULL,
	acknowledged_at FLOAT,
	acknowledged_by TEXT,
	PRIMARY KEY (id)
);
INSERT INTO "alert_incidents" VALUES(1,'p','9a5fe1145ea1e07939cc0bc570a2d2494c32b50f6c19f90281b39b27c64243a9','(no code location)','told_job','JOB_FAILURE','slack:#notifications-data-platform-ci',1749999997.822326,1749999997.822326,1,'{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "told_job", "at": 1749999991.822326, "location": "(no code location)", "run_id": "8c0b979b-c942-47ad-a333-479796ba9423", "job_name": "told_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.9738149642944336, "last_success_at": null, "owners": [], "problems": [{"step": "told", "error_class": "ValueError", "message": "the census is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:55 in told", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 55, in told\n    raise ValueError(text)\nValueError: the census is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}','{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "told_job", "at": 1749999991.822326, "location": "(no code location)", "run_id": "8c0b979b-c942-47ad-a333-479796ba9423", "job_name": "told_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.9738149642944336, "last_success_at": null, "owners": [], "problems": [{"step": "told", "error_class": "ValueError", "message": "the census is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:55 in told", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 55, in told\n    raise ValueError(text)\nValueError: the census is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}',NULL,2,1749999998.565620,1749999997.976901,NULL,NULL,0,1749999998.543153,'U0');
INSERT INTO "alert_incidents" VALUES(2,'p','ae1fb275735aa9447e78eb0eb7a88b1e47111957509d40098401faa08ec82dbf','(no code location)','other_job','JOB_FAILURE','slack:#notifications-data-platform-ci',1749999999.825261,1749999999.825261,1,'{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "other_job", "at": 1749999993.825261, "location": "(no code location)", "run_id": "b1cd4f4f-66f4-490f-bc00-6c14f851dcb8", "job_name": "other_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.9206497669219971, "last_success_at": null, "owners": [], "problems": [{"step": "plain_error", "error_class": "ValueError", "message": "row 17 of 2,000 is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:10 in plain_error", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 10, in plain_error\n    raise ValueError(\"row 17 of 2,000 is bad\")\nValueError: row 17 of 2,000 is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}','{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "other_job", "at": 1749999993.825261, "location": "(no code location)", "run_id": "b1cd4f4f-66f4-490f-bc00-6c14f851dcb8", "job_name": "other_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.9206497669219971, "last_success_at": null, "owners": [], "problems": [{"step": "plain_error", "error_class": "ValueError", "message": "row 17 of 2,000 is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:10 in plain_error", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 10, in plain_error\n    raise ValueError(\"row 17 of 2,000 is bad\")\nValueError: row 17 of 2,000 is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}',NULL,1,1750000000.023092,1750000000.023092,1750001800.023092,NULL,0,NULL,NULL);
CREATE TABLE alert_members (
	owner VARCHAR(400) NOT NULL,
	member_id VARCHAR(50),
	asked_at FLOAT NOT NULL,
	PRIMARY KEY (owner)
);
CREATE TABLE alert_messages (
	id INTEGER NOT NULL,
	"key" VARCHAR(64) NOT NULL,
	incident_id INTEGER NOT NULL,
	destination VARCHAR(400) NOT NULL,
	kind VARCHAR(10) NOT NULL,
	head_id INTEGER,
	body TEXT,
	state VARCHAR(10) NOT NULL,
	sent_version INTEGER NOT NULL,
	plain BOOLEAN NOT NULL,
	unsure BOOLEAN NOT NULL,
	attempts INTEGER NOT NULL,
	first_attempt_at FLOAT,
	claimed_until FLOAT,
	created_at FLOAT NOT NULL,
	held_until FLOAT,
	delivered_at FLOAT,
	ts VARCHAR(400),
	error TEXT,
	PRIMARY KEY (id),
	UNIQUE ("key"),
	FOREIGN KEY(incident_id) REFERENCES alert_incidents (id) ON DELETE CASCADE
);
INSERT INTO "alert_messages" VALUES(1,'d053177b5b714e5eb4c8c5c0983d132d',1,'slack:#notifications-data-platform-ci','head',NULL,NULL,'delivered',2,0,0,2,1749999998.102985,NULL,1749999997.976901,NULL,1749999998.680834,'1749999992.196945',NULL);
INSERT INTO "alert_messages" VALUES(2,'9c16e8b0c2304d5b8832dfab1f8633e6',1,'slack:#notifications-data-platform-ci','entry',1,'{"kind": "trace", "line": [{"text": "Stack trace of run 8c0b979b-c942-47ad-a333-479796ba9423", "kind": "words", "url": ""}], "traces": [{"name": "told", "text": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 55, in told\n    raise ValueError(text)\nValueError: the census is bad"}]}','delivered',1,0,0,1,1749999998.255990,NULL,1749999997.976901,NULL,1749999998.325310,'1749999992.323827',NULL);
INSERT INTO "alert_messages" VALUES(3,'309c5aa3a962453097f5ca1eda230736',2,'slack:#notifications-data-platform-ci','head',NULL,NULL,'waiting',0,0,0,1,1750000000.146703,NULL,1750000000.023092,NULL,NULL,NULL,'Slack answered not_in_channel to chat.postMessage: invite the bot to the channel');
INSERT INTO "alert_messages" VALUES(4,'8e8f550895fb4d48994f8323e2e8f53d',2,'slack:#notifications-data-platform-ci','entry',3,'{"kind": "trace", "line": [{"text": "Stack trace of run b1cd4f4f-66f4-490f-bc00-6c14f851dcb8", "kind": "words", "url": ""}], "traces": [{"name": "plain_error", "text": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 10, in plain_error\n    raise ValueError(\"row 17 of 2,000 is bad\")\nValueError: row 17 of 2,000 is bad"}]}','waiting',0,0,0,0,NULL,NULL,1750000000.023092,NULL,NULL,NULL,NULL);
CREATE TABLE alert_occurrences (
	id INTEGER NOT NULL,
	policy VARCHAR(100) NOT NULL,
	"key" VARCHAR(100) NOT NULL,
	chain VARCHAR(100) NOT NULL,
	state VARCHAR(20) NOT NULL,
	incident_id INTEGER,
	at FLOAT NOT NULL,
	facts TEXT,
	PRIMARY KEY (id),
	UNIQUE (policy, "key")
);
INSERT INTO "alert_occurrences" VALUES(1,'p','8c0b979b-c942-47ad-a333-479796ba9423','8c0b979b-c942-47ad-a333-479796ba9423','announced',1,1749999997.822326,NULL);
INSERT INTO "alert_occurrences" VALUES(2,'','8c0b979b-c942-47ad-a333-479796ba9423','','read',NULL,1749999997.976901,NULL);
INSERT INTO "alert_occurrences" VALUES(3,'p','b1cd4f4f-66f4-490f-bc00-6c14f851dcb8','b1cd4f4f-66f4-490f-bc00-6c14f851dcb8','announced',2,1749999999.825261,NULL);
INSERT INTO "alert_occurrences" VALUES(4,'','b1cd4f4f-66f4-490f-bc00-6c14f851dcb8','','read',NULL,1750000000.023092,NULL);
CREATE TABLE alert_outstanding (
	incident_id INTEGER NOT NULL,
	partition VARCHAR(400) NOT NULL,
	failed_at FLOAT NOT NULL,
	PRIMARY KEY (incident_id, partition),
	FOREIGN KEY(incident_id) REFERENCES alert_incidents (id) ON DELETE CASCADE
);
INSERT INTO "alert_outstanding" VALUES(1,'',1749999997.822326);
INSERT INTO "alert_outstanding" VALUES(2,'',1749999999.825261);
CREATE TABLE alert_positions (
	name VARCHAR(100) NOT NULL,
	marks TEXT NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "alert_positions" VALUES('clock','1749999999.9733152');
INSERT INTO "alert_positions" VALUES('PIPELINE_FAILURE','[[1749999996.3134937, "eyJ0eXBlIjogIlNUT1JBR0VfSUQiLCAidmFsdWUiOiAtMX0="]]');
INSERT INTO "alert_positions" VALUES('PIPELINE_SUCCESS','[[1749999996.3976505, "eyJ0eXBlIjogIlNUT1JBR0VfSUQiLCAidmFsdWUiOiAtMX0="]]');
INSERT INTO "alert_positions" VALUES('pruning','1749999996.540822');
CREATE INDEX alert_incidents_by_kind ON alert_incidents (policy, fingerprint);
CREATE INDEX alert_incidents_by_event_type ON alert_incidents (event_type, recovered_at);
CREATE INDEX alert_incidents_by_escalation ON alert_incidents (escalates_at);
CREATE INDEX alert_occurrences_by_chain ON alert_occurrences (policy, chain);
CREATE INDEX alert_occurrences_by_state ON alert_occurrences (state);
CREATE INDEX alert_messages_by_incident ON alert_messages (incident_id);
CREATE INDEX alert_messages_by_state ON alert_messages (state);
COMMIT;
