%% An MME that answers TFR, on Erlang/OTP's own Diameter stack. The last digit of the IMSI picks the result: 0 absent user (detached),
%% 5 memory exceeded with the phone's report, 9 no answer at all, others success. What does not fit sgd.dia is answered with its error.
%%   erl -noshell -noinput -run mme start 127.0.0.1 3869
-module(mme).

-export([start/1]).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3, handle_answer/4, handle_error/4, handle_request/3]).

-include_lib("diameter/include/diameter.hrl").
-include_lib("diameter/include/diameter_gen_base_rfc6733.hrl").

-define(VENDOR, 10415).
-define(SGD, 16777313).

start([Ip, Port]) ->
    {ok, Address} = inet:parse_address(Ip),
    Application = #'diameter_base_Vendor-Specific-Application-Id'{'Vendor-Id' = ?VENDOR, 'Auth-Application-Id' = [?SGD]},
    ok = diameter:start(),
    ok = diameter:start_service(mme,
        [{'Origin-Host', "mme.test.realm"}, {'Origin-Realm', "test.realm"}, {'Vendor-Id', 0}, {'Product-Name', "Erlang MME"},
         {'Supported-Vendor-Id', [?VENDOR]}, {'Vendor-Specific-Application-Id', [Application]},
         {decode_format, map}, {string_decode, false},
         {application, [{alias, sgd}, {dictionary, sgd}, {module, ?MODULE}, {request_errors, answer}]}]),
    {ok, _} = diameter:add_transport(mme,
        {listen, [{transport_module, diameter_tcp}, {transport_config, [{ip, Address}, {port, list_to_integer(Port)}]}, {watchdog_timer, 6000}]}),
    io:format("listening~n"),
    receive stop -> ok end.

handle_request(#diameter_packet{msg = ['TFR' | Request], errors = Errors}, _Service, {_Peer, Capabilities}) ->
    #diameter_caps{origin_host = {Host, _}, origin_realm = {Realm, _}} = Capabilities,
    Answer = #{'Session-Id' => maps:get('Session-Id', Request, <<"none">>), 'Auth-Session-State' => 1, 'Origin-Host' => Host, 'Origin-Realm' => Realm},
    Imsi = iolist_to_binary(maps:get('User-Name', Request, <<"-">>)),
    case Errors of
        [] ->
            io:format("TFR ~s~n", [binary_to_list(binary:encode_hex(iolist_to_binary(maps:get('SM-RP-UI', Request))))]),
            answer(binary:last(Imsi), Answer);
        _ ->
            io:format("error ~p~n", [Errors]),
            {reply, #diameter_packet{msg = ['TFA' | Answer], errors = Errors}}
    end;
handle_request(_Packet, _Service, _Peer) ->
    {answer_message, 3001}.

answer($0, Answer) -> reply(Answer#{'Experimental-Result' => experimental(5550), 'Absent-User-Diagnostic-SM' => 1});
answer($5, Answer) ->
    Cause = #{'SM-Enumerated-Delivery-Failure-Cause' => 0, 'SM-Diagnostic-Info' => <<0, 16#d3, 0>>},
    reply(Answer#{'Experimental-Result' => experimental(5555), 'SM-Delivery-Failure-Cause' => Cause});
answer($9, _Answer) -> discard;
answer(_, Answer) -> reply(Answer#{'Result-Code' => 2001}).

reply(Answer) -> {reply, ['TFA' | Answer]}.

experimental(Code) -> #{'Vendor-Id' => ?VENDOR, 'Experimental-Result-Code' => Code}.

%% It sends no requests of its own.
peer_up(_Service, _Peer, State) -> State.
peer_down(_Service, _Peer, State) -> State.
pick_peer(_Local, _Remote, _Service, _State) -> false.
prepare_request(_Packet, _Service, _Peer) -> discard.
prepare_retransmit(_Packet, _Service, _Peer) -> discard.
handle_answer(_Packet, _Request, _Service, _Peer) -> ok.
handle_error(_Reason, _Request, _Service, _Peer) -> ok.
