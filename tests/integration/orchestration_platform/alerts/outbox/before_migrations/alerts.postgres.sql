-- Written before there were migrations; never changed since.
CREATE TABLE public.alert_channels (
    name character varying(400) NOT NULL,
    channel_id character varying(100),
    next_call_at double precision NOT NULL,
    failures integer NOT NULL,
    reason text
);
CREATE TABLE public.alert_incidents (
    id bigint NOT NULL,
    policy character varying(100) NOT NULL,
    fingerprint character varying(64) NOT NULL,
    location character varying(255) NOT NULL,
    subject text NOT NULL,
    event_type character varying(50) NOT NULL,
    destination character varying(400) NOT NULL,
    first_at double precision NOT NULL,
    last_at double precision NOT NULL,
    occurrences integer NOT NULL,
    facts text NOT NULL,
    latest text NOT NULL,
    recovered_at double precision,
    version integer NOT NULL,
    changed_at double precision NOT NULL,
    last_entry_at double precision NOT NULL,
    escalates_at double precision,
    escalated_at double precision,
    escalations integer NOT NULL,
    acknowledged_at double precision,
    acknowledged_by text
);
CREATE SEQUENCE public.alert_incidents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alert_incidents_id_seq OWNED BY public.alert_incidents.id;
CREATE TABLE public.alert_members (
    owner character varying(400) NOT NULL,
    member_id character varying(50),
    asked_at double precision NOT NULL
);
CREATE TABLE public.alert_messages (
    id bigint NOT NULL,
    key character varying(64) NOT NULL,
    incident_id bigint NOT NULL,
    destination character varying(400) NOT NULL,
    kind character varying(10) NOT NULL,
    head_id bigint,
    body text,
    state character varying(10) NOT NULL,
    sent_version integer NOT NULL,
    plain boolean NOT NULL,
    unsure boolean NOT NULL,
    attempts integer NOT NULL,
    first_attempt_at double precision,
    claimed_until double precision,
    created_at double precision NOT NULL,
    held_until double precision,
    delivered_at double precision,
    ts character varying(400),
    error text
);
CREATE SEQUENCE public.alert_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alert_messages_id_seq OWNED BY public.alert_messages.id;
CREATE TABLE public.alert_occurrences (
    id bigint NOT NULL,
    policy character varying(100) NOT NULL,
    key character varying(100) NOT NULL,
    chain character varying(100) NOT NULL,
    state character varying(20) NOT NULL,
    incident_id bigint,
    at double precision NOT NULL,
    facts text
);
CREATE SEQUENCE public.alert_occurrences_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alert_occurrences_id_seq OWNED BY public.alert_occurrences.id;
CREATE TABLE public.alert_outstanding (
    incident_id bigint NOT NULL,
    partition character varying(400) NOT NULL,
    failed_at double precision NOT NULL
);
CREATE TABLE public.alert_positions (
    name character varying(100) NOT NULL,
    marks text NOT NULL
);
ALTER TABLE ONLY public.alert_incidents ALTER COLUMN id SET DEFAULT nextval('public.alert_incidents_id_seq'::regclass);
ALTER TABLE ONLY public.alert_messages ALTER COLUMN id SET DEFAULT nextval('public.alert_messages_id_seq'::regclass);
ALTER TABLE ONLY public.alert_occurrences ALTER COLUMN id SET DEFAULT nextval('public.alert_occurrences_id_seq'::regclass);
INSERT INTO public.alert_channels VALUES ('slack:#notifications-data-platform-ci', 'CNOTIFICATIONSDATAPLATFORMCI', 1750000001.0770504, 1, 'Slack answered not_in_channel to chat.postMessage: invite the bot to the channel');
INSERT INTO public.alert_incidents VALUES (1, 'p', '9a5fe1145ea1e07939cc0bc570a2d2494c32b50f6c19f90281b39b27c64243a9', '(no code location)', 'told_job', 'JOB_FAILURE', 'slack:#notifications-data-platform-ci', 1749999995.5317469, 1749999995.5317469, 1, '{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "told_job", "at": 1750000001.531747, "location": "(no code location)", "run_id": "350b8337-f67c-4bd2-961f-c841f4d200dd", "job_name": "told_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.7047629356384277, "last_success_at": null, "owners": [], "problems": [{"step": "told", "error_class": "ValueError", "message": "the census is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:55 in told", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 55, in told\n    raise ValueError(text)\nValueError: the census is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}', '{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "told_job", "at": 1750000001.531747, "location": "(no code location)", "run_id": "350b8337-f67c-4bd2-961f-c841f4d200dd", "job_name": "told_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.7047629356384277, "last_success_at": null, "owners": [], "problems": [{"step": "told", "error_class": "ValueError", "message": "the census is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:55 in told", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 55, in told\n    raise ValueError(text)\nValueError: the census is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}', NULL, 2, 1749999998.1761158, 1749999995.8460293, NULL, NULL, 0, 1749999998.1031914, 'U0');
INSERT INTO public.alert_incidents VALUES (2, 'p', 'ae1fb275735aa9447e78eb0eb7a88b1e47111957509d40098401faa08ec82dbf', '(no code location)', 'other_job', 'JOB_FAILURE', 'slack:#notifications-data-platform-ci', 1749999999.667609, 1749999999.667609, 1, '{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "other_job", "at": 1750000005.667609, "location": "(no code location)", "run_id": "b8317449-f2ff-4780-bdbd-0a073782a4a1", "job_name": "other_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.876863956451416, "last_success_at": null, "owners": [], "problems": [{"step": "plain_error", "error_class": "ValueError", "message": "row 17 of 2,000 is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:10 in plain_error", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 10, in plain_error\n    raise ValueError(\"row 17 of 2,000 is bad\")\nValueError: row 17 of 2,000 is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}', '{"event_type": "JOB_FAILURE", "severity": "error", "kind": "Job", "subject": "other_job", "at": 1750000005.667609, "location": "(no code location)", "run_id": "b8317449-f2ff-4780-bdbd-0a073782a4a1", "job_name": "other_job", "assets": [], "partition": "", "partitions": [], "backfill": "", "launched_by": "by hand", "parent": "", "attempt": 1, "attempts": 0, "duration_seconds": 0.876863956451416, "last_success_at": null, "owners": [], "problems": [{"step": "plain_error", "error_class": "ValueError", "message": "row 17 of 2,000 is bad", "place": "/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py:10 in plain_error", "trace": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 10, in plain_error\n    raise ValueError(\"row 17 of 2,000 is bad\")\nValueError: row 17 of 2,000 is bad", "is_check": false}], "more_problems": 0, "facts": [], "checks": [], "ops": [], "consecutive": 0, "instead": "", "are_owners_known": true}', NULL, 1, 1749999999.952394, 1749999999.952394, 1750001799.952394, NULL, 0, NULL, NULL);
INSERT INTO public.alert_messages VALUES (2, '180b82d1f93f4a6a9cfc23efd2d3bbd7', 1, 'slack:#notifications-data-platform-ci', 'entry', 1, '{"kind": "trace", "line": [{"text": "Stack trace of run 350b8337-f67c-4bd2-961f-c841f4d200dd", "kind": "words", "url": ""}], "traces": [{"name": "told", "text": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 55, in told\n    raise ValueError(text)\nValueError: the census is bad"}]}', 'delivered', 1, false, false, 1, 1749999996.913482, NULL, 1749999995.8460293, NULL, 1749999997.008285, '1750000002.964498', NULL);
INSERT INTO public.alert_messages VALUES (1, '781d195ba53b4858a95831f15230e86a', 1, 'slack:#notifications-data-platform-ci', 'head', NULL, NULL, 'delivered', 2, false, false, 2, 1749999996.8275797, NULL, 1749999995.8460293, NULL, 1749999998.3711529, '1750000002.871580', NULL);
INSERT INTO public.alert_messages VALUES (4, '7ddc16fbfe994d3da0958660c457c1ef', 2, 'slack:#notifications-data-platform-ci', 'entry', 3, '{"kind": "trace", "line": [{"text": "Stack trace of run b8317449-f2ff-4780-bdbd-0a073782a4a1", "kind": "words", "url": ""}], "traces": [{"name": "plain_error", "text": "  File \"/repository/tests/integration/orchestration_platform/alerts/failing_jobs.py\", line 10, in plain_error\n    raise ValueError(\"row 17 of 2,000 is bad\")\nValueError: row 17 of 2,000 is bad"}]}', 'waiting', 0, false, false, 0, NULL, NULL, 1749999999.952394, NULL, NULL, NULL, NULL);
INSERT INTO public.alert_messages VALUES (3, '6365b3059fc348ba814c2c1c881d99b9', 2, 'slack:#notifications-data-platform-ci', 'head', NULL, NULL, 'waiting', 0, false, false, 1, 1750000000.812947, NULL, 1749999999.952394, NULL, NULL, NULL, 'Slack answered not_in_channel to chat.postMessage: invite the bot to the channel');
INSERT INTO public.alert_occurrences VALUES (1, 'p', '350b8337-f67c-4bd2-961f-c841f4d200dd', '350b8337-f67c-4bd2-961f-c841f4d200dd', 'announced', 1, 1749999995.5317469, NULL);
INSERT INTO public.alert_occurrences VALUES (2, '', '350b8337-f67c-4bd2-961f-c841f4d200dd', '', 'read', NULL, 1749999995.8460293, NULL);
INSERT INTO public.alert_occurrences VALUES (3, 'p', 'b8317449-f2ff-4780-bdbd-0a073782a4a1', 'b8317449-f2ff-4780-bdbd-0a073782a4a1', 'announced', 2, 1749999999.667609, NULL);
INSERT INTO public.alert_occurrences VALUES (4, '', 'b8317449-f2ff-4780-bdbd-0a073782a4a1', '', 'read', NULL, 1749999999.952394, NULL);
INSERT INTO public.alert_outstanding VALUES (1, '', 1749999995.5317469);
INSERT INTO public.alert_outstanding VALUES (2, '', 1749999999.667609);
INSERT INTO public.alert_positions VALUES ('pruning', '1749999994.453963');
INSERT INTO public.alert_positions VALUES ('clock', '1749999999.9347436');
INSERT INTO public.alert_positions VALUES ('PIPELINE_FAILURE', '[[1749999993.7995465, "eyJ0eXBlIjogIlNUT1JBR0VfSUQiLCAidmFsdWUiOiAtMX0="]]');
INSERT INTO public.alert_positions VALUES ('PIPELINE_SUCCESS', '[[1749999993.9452276, "eyJ0eXBlIjogIlNUT1JBR0VfSUQiLCAidmFsdWUiOiAtMX0="]]');
SELECT pg_catalog.setval('public.alert_incidents_id_seq', 2, true);
SELECT pg_catalog.setval('public.alert_messages_id_seq', 4, true);
SELECT pg_catalog.setval('public.alert_occurrences_id_seq', 4, true);
ALTER TABLE ONLY public.alert_channels
    ADD CONSTRAINT alert_channels_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.alert_incidents
    ADD CONSTRAINT alert_incidents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_members
    ADD CONSTRAINT alert_members_pkey PRIMARY KEY (owner);
ALTER TABLE ONLY public.alert_messages
    ADD CONSTRAINT alert_messages_key_key UNIQUE (key);
ALTER TABLE ONLY public.alert_messages
    ADD CONSTRAINT alert_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_occurrences
    ADD CONSTRAINT alert_occurrences_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_occurrences
    ADD CONSTRAINT alert_occurrences_policy_key_key UNIQUE (policy, key);
ALTER TABLE ONLY public.alert_outstanding
    ADD CONSTRAINT alert_outstanding_pkey PRIMARY KEY (incident_id, partition);
ALTER TABLE ONLY public.alert_positions
    ADD CONSTRAINT alert_positions_pkey PRIMARY KEY (name);
CREATE INDEX alert_incidents_by_escalation ON public.alert_incidents USING btree (escalates_at);
CREATE INDEX alert_incidents_by_event_type ON public.alert_incidents USING btree (event_type, recovered_at);
CREATE INDEX alert_incidents_by_kind ON public.alert_incidents USING btree (policy, fingerprint);
CREATE INDEX alert_messages_by_incident ON public.alert_messages USING btree (incident_id);
CREATE INDEX alert_messages_by_state ON public.alert_messages USING btree (state);
CREATE INDEX alert_occurrences_by_chain ON public.alert_occurrences USING btree (policy, chain);
CREATE INDEX alert_occurrences_by_state ON public.alert_occurrences USING btree (state);
ALTER TABLE ONLY public.alert_messages
    ADD CONSTRAINT alert_messages_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES public.alert_incidents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.alert_outstanding
    ADD CONSTRAINT alert_outstanding_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES public.alert_incidents(id) ON DELETE CASCADE;
