-- Written before there were migrations; never changed since.
create schema raw;
create schema unified;
CREATE TABLE raw.file_entries(file_number BIGINT, account_id VARCHAR, entry_id VARCHAR, copies INTEGER, transaction_id VARCHAR, booking_date DATE, value_date DATE, amount DECIMAL(18,4), currency VARCHAR, description VARCHAR, counterparty VARCHAR);
insert into raw.file_entries values
('1', 'giro', '5b7b9e366e71c8436b317fa203342de6', '1', null, '2026-05-04', null, '-1.5000', 'EUR', '', null);
CREATE TABLE raw.file_imports(file_number BIGINT PRIMARY KEY, account_id VARCHAR, date_from DATE, imported_at TIMESTAMP, file_name VARCHAR);
insert into raw.file_imports values
('1', 'giro', '2026-05-04', '2026-05-04 12:00:00', '2026-05-04.csv');
CREATE TABLE raw.gc_account_details(account_id VARCHAR, iban VARCHAR, currency VARCHAR, owner_name VARCHAR, "name" VARCHAR, product VARCHAR, cash_account_type VARCHAR, payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(account_id));
insert into raw.gc_account_details values
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'DE89370400002278817571', 'EUR', 'Erika Mustermann', 'Girokonto', 'Giro Direkt', 'CACC', '{"iban":"DE89370400002278817571","currency":"EUR","ownerName":"Erika Mustermann","name":"Girokonto","product":"Giro Direkt","cashAccountType":"CACC","resourceId":"87d3ff23"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_agreements(agreement_id VARCHAR, institution_id VARCHAR, max_historical_days INTEGER, access_valid_for_days INTEGER, accepted_at TIMESTAMP, payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(agreement_id));
insert into raw.gc_agreements values
('bbe65850-9c4c-55c1-9a53-45760e606c3b', 'ONE_ONEEDEFF', '90', '90', '2026-05-04 12:00:00', '{"id":"bbe65850-9c4c-55c1-9a53-45760e606c3b","institution_id":"ONE_ONEEDEFF","max_historical_days":90,"access_valid_for_days":90,"accepted":"2026-05-04T12:00:00Z","created":"2026-05-04T12:00:00+00:00","access_scope":["details","balances","transactions"],"reconfirmation":false}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_balances(account_id VARCHAR, payload_digest VARCHAR, balance_type VARCHAR, reference_date DATE, amount DECIMAL(18,4), currency VARCHAR, payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(account_id, payload_digest));
insert into raw.gc_balances values
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', '8a77039ed3477542e64d8f9f495d36c8', 'closingBooked', '2026-05-04', '99.9700', 'EUR', '{"balanceAmount":{"amount":"99.97","currency":"EUR"},"referenceDate":"2026-05-04","balanceType":"closingBooked"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_bank_accounts(account_id VARCHAR, requisition_id VARCHAR, institution_id VARCHAR, iban VARCHAR, status VARCHAR, owner_name VARCHAR, "name" VARCHAR, payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(account_id));
insert into raw.gc_bank_accounts values
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', '37f5ee6a-499f-5898-bf84-d219bb05378b', 'ONE_ONEEDEFF', 'DE89370400002278817571', 'READY', 'Erika Mustermann', 'Girokonto', '{"id":"87d3ff23-883a-5b1d-a2d4-0d8bf6759763","institution_id":"ONE_ONEEDEFF","status":"READY","iban":"DE89370400002278817571","owner_name":"Erika Mustermann","name":"Girokonto","created":"2026-01-05T08:00:00+00:00","last_accessed":"2026-05-04T12:00:00+00:00"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_call_budget(account_id VARCHAR, "scope" VARCHAR, remaining INTEGER, resets_at TIMESTAMP, sent_at TIMESTAMP, last_success_at TIMESTAMP, problem VARCHAR, problem_kind VARCHAR, PRIMARY KEY(account_id, "scope"));
insert into raw.gc_call_budget values
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'balances', '3', '2026-05-05 12:00:00', '2026-05-04 12:00:00', '2026-05-04 12:00:00', null, null),
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'details', '3', '2026-05-05 12:00:00', '2026-05-04 12:00:00', '2026-05-04 12:00:00', null, null),
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'metadata', null, null, '2026-05-04 12:00:00', '2026-05-04 12:00:00', null, null),
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'transactions', '3', '2026-05-05 12:00:00', '2026-05-04 12:00:00', '2026-05-04 12:00:00', null, null);
CREATE TABLE raw.gc_fetches(fetch_number BIGINT PRIMARY KEY, account_id VARCHAR NOT NULL, date_from DATE NOT NULL, create_from DATE NOT NULL, fetched_at TIMESTAMP NOT NULL, run_id VARCHAR NOT NULL);
insert into raw.gc_fetches values
('1', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', '2026-02-03', '2026-02-03', '2026-05-04 12:00:00', 'run');
CREATE TABLE raw.gc_institutions(institution_id VARCHAR, "name" VARCHAR, bic VARCHAR, transaction_total_days INTEGER, payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(institution_id));
insert into raw.gc_institutions values
('ONE_ONEEDEFF', 'Bank One', 'ONEEDEFF', '90', '{"id":"ONE_ONEEDEFF","name":"Bank One","bic":"ONEEDEFF","transaction_total_days":90,"max_access_valid_for_days":180,"countries":["DE"],"logo":"https://cdn.example.com/ONE_ONEEDEFF.png"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_listings(register VARCHAR PRIMARY KEY, listed_at TIMESTAMP NOT NULL);
insert into raw.gc_listings values
('requisitions', '2026-05-04 12:00:00');
CREATE TABLE raw.gc_rejects(account_id VARCHAR, "scope" VARCHAR, payload_digest VARCHAR, reason VARCHAR, payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(account_id, "scope", payload_digest));
CREATE TABLE raw.gc_requisitions(requisition_id VARCHAR, status VARCHAR, institution_id VARCHAR, agreement_id VARCHAR, reference VARCHAR, account_ids VARCHAR[], payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL, PRIMARY KEY(requisition_id));
insert into raw.gc_requisitions values
('37f5ee6a-499f-5898-bf84-d219bb05378b', 'LN', 'ONE_ONEEDEFF', 'bbe65850-9c4c-55c1-9a53-45760e606c3b', '37f5ee6a-499f-5898-bf84-d219bb05378b', '[87d3ff23-883a-5b1d-a2d4-0d8bf6759763]', '{"id":"37f5ee6a-499f-5898-bf84-d219bb05378b","status":"LN","institution_id":"ONE_ONEEDEFF","agreement":"bbe65850-9c4c-55c1-9a53-45760e606c3b","reference":"37f5ee6a-499f-5898-bf84-d219bb05378b","created":"2026-05-04T12:00:00Z","accounts":["87d3ff23-883a-5b1d-a2d4-0d8bf6759763"],"redirect":"https://app.example.com/linked","user_language":"DE","link":"http://127.0.0.1:35349/psd2/start/37f5ee6a-499f-5898-bf84-d219bb05378b/ONE_ONEEDEFF","account_selection":false,"redirect_immediate":false}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_sightings(fetch_number BIGINT NOT NULL, account_id VARCHAR NOT NULL, status VARCHAR NOT NULL, payload_digest UUID NOT NULL, copies INTEGER NOT NULL);
insert into raw.gc_sightings values
('1', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '4ab08195-f4f3-0198-83dd-730ddd73a7dc', '1'),
('1', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '6cfd280c-3113-7f92-50c2-b4809a52701c', '1'),
('1', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '9630dba7-1724-68eb-b7fa-f1fa01524861', '1');
CREATE TABLE raw.gc_transactions(account_id VARCHAR, status VARCHAR, payload_digest UUID, transaction_id VARCHAR, internal_transaction_id VARCHAR, booking_date DATE, value_date DATE, amount DECIMAL(18,4), currency VARCHAR, description VARCHAR, counterparty VARCHAR, balance_after DECIMAL(18,4), payload VARCHAR, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL, first_run_id VARCHAR NOT NULL, last_run_id VARCHAR NOT NULL);
insert into raw.gc_transactions values
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '4ab08195-f4f3-0198-83dd-730ddd73a7dc', '84b0a44102d15dcf86fd', 'df49220491985796bf76', '2026-05-02', '2026-05-02', '-0.0200', 'EUR', 'EINKAUF 0 2', 'Laden', null, '{"transactionAmount":{"amount":"-0.02","currency":"EUR"},"creditorName":"Laden","remittanceInformationUnstructured":"EINKAUF 0 2","bookingDate":"2026-05-02","valueDate":"2026-05-02","internalTransactionId":"df49220491985796bf76","transactionId":"84b0a44102d15dcf86fd"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run'),
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '6cfd280c-3113-7f92-50c2-b4809a52701c', 'e99256182f125a099161', 'ceaac4dca2d25d938924', '2026-05-04', '2026-05-04', '0.0000', 'EUR', 'EINKAUF 0 0', 'Laden', null, '{"transactionAmount":{"amount":"0.00","currency":"EUR"},"creditorName":"Laden","remittanceInformationUnstructured":"EINKAUF 0 0","bookingDate":"2026-05-04","valueDate":"2026-05-04","internalTransactionId":"ceaac4dca2d25d938924","transactionId":"e99256182f125a099161"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run'),
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '9630dba7-1724-68eb-b7fa-f1fa01524861', '29c20368535f5172bc6d', 'caa6b740a386594e8398', '2026-05-03', '2026-05-03', '-0.0100', 'EUR', 'EINKAUF 0 1', 'Laden', null, '{"transactionAmount":{"amount":"-0.01","currency":"EUR"},"creditorName":"Laden","remittanceInformationUnstructured":"EINKAUF 0 1","bookingDate":"2026-05-03","valueDate":"2026-05-03","internalTransactionId":"caa6b740a386594e8398","transactionId":"29c20368535f5172bc6d"}', '2026-05-04 12:00:00', '2026-05-04 12:00:00', 'run', 'run');
CREATE TABLE raw.gc_watermarks(account_id VARCHAR PRIMARY KEY, fetched_until DATE NOT NULL, fetch_number BIGINT NOT NULL);
insert into raw.gc_watermarks values
('87d3ff23-883a-5b1d-a2d4-0d8bf6759763', '2026-05-04', '1');
CREATE TABLE unified.accounts(provider VARCHAR, account_id VARCHAR, connection_id VARCHAR, institution_id VARCHAR, iban VARCHAR, currency VARCHAR, owner_name VARCHAR, "name" VARCHAR, status VARCHAR NOT NULL, inactive_since TIMESTAMP, PRIMARY KEY(provider, account_id));
insert into unified.accounts values
('file', 'giro', null, null, null, 'EUR', null, 'giro', 'active', null),
('gocardless', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', '37f5ee6a-499f-5898-bf84-d219bb05378b', 'ONE_ONEEDEFF', 'DE89370400002278817571', 'EUR', 'Erika Mustermann', 'Girokonto', 'active', null);
CREATE TABLE unified.balances(provider VARCHAR, account_id VARCHAR, balance_type VARCHAR, currency VARCHAR, reference_date DATE, amount DECIMAL(18,4), reported_at TIMESTAMP NOT NULL, PRIMARY KEY(provider, account_id, balance_type, currency, reference_date, amount));
insert into unified.balances values
('gocardless', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'closingBooked', 'EUR', '2026-05-04', '99.9700', '2026-05-04 12:00:00');
CREATE TABLE unified.budget_notifications(tag VARCHAR, currency VARCHAR, "month" DATE, threshold_percent INTEGER, budget DECIMAL(18,4) NOT NULL, spent DECIMAL(38,4) NOT NULL, raised_at TIMESTAMP NOT NULL, run_id VARCHAR NOT NULL, PRIMARY KEY(tag, currency, "month", threshold_percent));
insert into unified.budget_notifications values
('shopping 2026-05-04', 'EUR', '2026-05-01', '100', '10.0000', '12.0000', '2026-05-04 12:00:00', 'run'),
('shopping 2026-05-04', 'EUR', '2026-05-01', '80', '10.0000', '12.0000', '2026-05-04 12:00:00', 'run');
CREATE TABLE unified.connections(provider VARCHAR, connection_id VARCHAR, institution_id VARCHAR, reference VARCHAR, status VARCHAR NOT NULL, provider_status VARCHAR, expires_at TIMESTAMP, PRIMARY KEY(provider, connection_id));
insert into unified.connections values
('gocardless', '37f5ee6a-499f-5898-bf84-d219bb05378b', 'ONE_ONEEDEFF', '37f5ee6a-499f-5898-bf84-d219bb05378b', 'active', 'LN', '2026-08-02 12:00:00');
CREATE TABLE unified.institutions(provider VARCHAR, institution_id VARCHAR, "name" VARCHAR, bic VARCHAR, PRIMARY KEY(provider, institution_id));
insert into unified.institutions values
('gocardless', 'ONE_ONEEDEFF', 'Bank One', 'ONEEDEFF');
CREATE TABLE unified.opening_balances(provider VARCHAR, account_id VARCHAR, currency VARCHAR, opening_balance DECIMAL(38,4) NOT NULL, anchored_on DATE NOT NULL, PRIMARY KEY(provider, account_id, currency));
insert into unified.opening_balances values
('gocardless', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'EUR', '100.0000', '2026-05-04');
CREATE TABLE unified.synced_fetches(provider VARCHAR, fetch_number BIGINT, PRIMARY KEY(provider, fetch_number));
insert into unified.synced_fetches values
('file', '1'),
('gocardless', '1');
CREATE TABLE unified.tag_rules("position" INTEGER NOT NULL, "name" VARCHAR PRIMARY KEY, tag VARCHAR NOT NULL, description_pattern VARCHAR, counterparty VARCHAR, amount_from DECIMAL(18,4), amount_to DECIMAL(18,4), account VARCHAR, is_enabled BOOLEAN DEFAULT(CAST('t' AS BOOLEAN)) NOT NULL, created_by VARCHAR NOT NULL);
CREATE TABLE unified.transaction_history(transaction_key VARCHAR NOT NULL, fetch_number BIGINT NOT NULL, seen_at TIMESTAMP NOT NULL, status VARCHAR NOT NULL, booking_date DATE, description VARCHAR, provider_transaction_id VARCHAR);
CREATE TABLE unified.transaction_tags(transaction_key VARCHAR PRIMARY KEY, tag VARCHAR NOT NULL, tagged_by VARCHAR NOT NULL, rule_source VARCHAR, rule_name VARCHAR, run_id VARCHAR, tagged_at TIMESTAMP NOT NULL);
insert into unified.transaction_tags values
('349e98df927128b6474fbbe09d30f776', 'shopping', 'tag_rules', 'file', 'shops', 'run', '2026-05-04 12:00:00'),
('5f6369c5937117c0d66fb2de6e3a3c7e', 'shopping', 'tag_rules', 'file', 'shops', 'run', '2026-05-04 12:00:00'),
('732696889704eaaf438cefbde06d73c5', 'fees', 'anna', null, null, null, '2026-05-04 12:00:00'),
('7bca4572b11ff7b76a6c7037a6f38a40', 'shopping', 'tag_rules', 'file', 'shops', 'run', '2026-05-04 12:00:00');
CREATE TABLE unified.transactions(transaction_key VARCHAR NOT NULL, provider VARCHAR NOT NULL, account_id VARCHAR NOT NULL, status VARCHAR NOT NULL, booking_date DATE, value_date DATE, amount DECIMAL(18,4) NOT NULL, currency VARCHAR NOT NULL, description VARCHAR NOT NULL, counterparty VARCHAR, balance_after DECIMAL(18,4), provider_transaction_id VARCHAR, first_fetch_number BIGINT NOT NULL, last_fetch_number BIGINT NOT NULL, first_seen_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NOT NULL);
insert into unified.transactions values
('349e98df927128b6474fbbe09d30f776', 'gocardless', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '2026-05-04', '2026-05-04', '0.0000', 'EUR', 'EINKAUF 0 0', 'Laden', null, 'e99256182f125a099161', '1', '1', '2026-05-04 12:00:00', '2026-05-04 12:00:00'),
('5f6369c5937117c0d66fb2de6e3a3c7e', 'gocardless', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '2026-05-02', '2026-05-02', '-0.0200', 'EUR', 'EINKAUF 0 2', 'Laden', null, '84b0a44102d15dcf86fd', '1', '1', '2026-05-04 12:00:00', '2026-05-04 12:00:00'),
('732696889704eaaf438cefbde06d73c5', 'file', 'giro', 'booked', '2026-05-04', null, '-1.5000', 'EUR', '', null, null, null, '1', '1', '2026-05-04 12:00:00', '2026-05-04 12:00:00'),
('7bca4572b11ff7b76a6c7037a6f38a40', 'gocardless', '87d3ff23-883a-5b1d-a2d4-0d8bf6759763', 'booked', '2026-05-03', '2026-05-03', '-0.0100', 'EUR', 'EINKAUF 0 1', 'Laden', null, '29c20368535f5172bc6d', '1', '1', '2026-05-04 12:00:00', '2026-05-04 12:00:00');
CREATE VIEW raw.gc_last_listing AS SELECT COALESCE((SELECT listed_at FROM raw.gc_listings WHERE (register = 'requisitions')), max(last_seen_at)) AS listed_at FROM raw.gc_requisitions;
CREATE VIEW unified.transaction_states AS (SELECT * FROM unified.transaction_history) UNION ALL (SELECT transaction_key, first_fetch_number, first_seen_at, status, booking_date, description, provider_transaction_id FROM unified.transactions ANTI JOIN unified.transaction_history USING (transaction_key));
